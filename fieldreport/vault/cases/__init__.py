"""Letters and what becomes of them: collecting, sorting, filing, the inbox, the conversation, restriction."""
