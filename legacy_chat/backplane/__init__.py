"""What workers share: notices of what was committed. Knows no storage."""
