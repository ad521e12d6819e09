"""What is told of recorded calls: files and exports without secrets, summaries, and the retry audit."""
