"""Gateway: what runs beside a served model."""
