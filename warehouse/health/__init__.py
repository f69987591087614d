"""What is wrong and what to do: the overview of a home, and the doctor's checks."""
