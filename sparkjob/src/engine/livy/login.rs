//! The way from the name of a secret to what it holds.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Region;

use super::credentials::Credentials;
use crate::engine::Kind;
use crate::engine::answer::{Asked, Failed};
use crate::engine::aws::{self, AwsError};
use crate::hidden::Hidden;
use crate::http::sdk::Aws;
use crate::job::SecretArn;

/// A secret that lets into a Livy. What it holds is fetched when it is first needed, and kept.
#[derive(Debug)]
pub struct Login {
    secret: SecretArn,
    aws: Arc<Aws>,
    client: OnceLock<Client>,
    known: Mutex<Option<Arc<Credentials>>>,
}

impl Login {
    /// Nothing is fetched yet.
    pub fn new(secret: SecretArn, aws: Arc<Aws>) -> Self {
        Self { secret, aws, client: OnceLock::new(), known: Mutex::default() }
    }

    /// What is kept; none before it was first needed.
    pub fn known(&self) -> Option<Arc<Credentials>> {
        self.lock().clone()
    }

    /// What the secret holds now, which is kept from here on. A fetch that fails changes nothing.
    pub async fn fetch(&self) -> Result<Arc<Credentials>, Failed> {
        let answer = self.client().get_secret_value().secret_id(self.secret.as_str()).send().await;
        // Whatever it was to be used for was not begun.
        let answer = answer.map_err(|error| self.unreadable(&aws::error(Asked::Look, &error)))?;
        let text = answer.secret_string().ok_or_else(|| "it holds no text".to_owned());
        let credentials = Arc::new(text.and_then(Credentials::read).map_err(|problem| self.unfit(&problem))?);
        *self.lock() = Some(Arc::clone(&credentials));
        Ok(credentials)
    }

    /// What nothing may show.
    pub fn hidden(&self) -> Hidden {
        self.known().map(|known| known.hidden.clone()).unwrap_or_default()
    }

    /// The secret holds what is of no use: for this reason, a clause.
    pub fn unfit(&self, problem: &str) -> Failed {
        let advice = format!("Correct what {} holds (LivySecretArn), and try again.", self.secret);
        Failed { advice, ..Failed::new(Kind::Denied, format!("its secret is of no use: {problem}")) }
    }

    /// What to do where Livy takes what the secret holds for nothing.
    pub fn refused(&self, failed: Failed) -> Failed {
        let advice =
            format!("Check what {} holds (LivySecretArn): this Livy does not let it in. Then try again.", self.secret);
        Failed { advice, ..failed }
    }

    /// The secret cannot be had.
    fn unreadable(&self, error: &AwsError) -> Failed {
        let AwsError { failed: Failed { kind, said, .. }, code } = error;
        // Nobody is let in without it, so it is all the same why it is not there.
        let kind = if *kind == Kind::Rejected { Kind::Denied } else { *kind };
        let is_locked = code == "DecryptionFailure" || said.to_lowercase().contains("kms");
        let advice = if is_locked {
            format!(
                "Allow kms:Decrypt on the key of {} to the role of the submitter in the key's policy, beside \
                 secretsmanager:GetSecretValue in that role.",
                self.secret
            )
        } else if code == "ResourceNotFoundException" || code == "InvalidRequestException" {
            format!("See that {} is there and is not to be deleted (LivySecretArn).", self.secret)
        } else {
            error.clone().while_doing("", "secretsmanager:GetSecretValue", self.secret.as_str()).advice
        };
        Failed { advice, ..Failed::new(kind, format!("its secret could not be read: {said}")) }
    }

    /// Asks where the secret is.
    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let config = aws_sdk_secretsmanager::config::Builder::from(self.aws.config());
            Client::from_conf(config.region(Region::new(self.secret.region().to_owned())).build())
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Credentials>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
