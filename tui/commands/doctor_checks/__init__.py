"""What `doctor` looks at. Every check says what is wrong and what to change."""
