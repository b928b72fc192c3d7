"""What is pushed to whom, when, and what an answer means: delivery's decisions, without clock or I/O."""
