"""Real distillation, small: a teacher and students that are trained here, and what each countermeasure does to both."""
