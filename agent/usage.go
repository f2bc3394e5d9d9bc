package agent

// UsageError is a task that cannot be meant as it stands. Nothing was begun.
type UsageError struct {
	Code string // stable; empty: usage
	Text string
	Hint string
}

func (e *UsageError) Error() string { return e.Text }

// Details gives the code and the hint for the report.
func (e *UsageError) Details() (code, hint string) {
	if e.Code == "" {
		return "usage", e.Hint
	}
	return e.Code, e.Hint
}
