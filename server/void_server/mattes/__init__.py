"""Jobs that make mattes instead of a removal: proposals of what is affected, and mattes by prompts."""
