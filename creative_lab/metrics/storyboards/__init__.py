"""What storyboards are measured by, as assets and checks."""
