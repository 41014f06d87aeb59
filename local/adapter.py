from ministack.app import main
main()
