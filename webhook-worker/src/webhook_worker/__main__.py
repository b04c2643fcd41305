"""``python -m webhook_worker``"""

from webhook_worker.main import main

if __name__ == "__main__":
    main()
