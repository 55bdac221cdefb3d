package sfclient

import "crmsync/internal/advice"

// Advice returns what a person can do about the error, or "" where nothing known would help. The text is
// constant.
func (e *Error) Advice() string {
	switch {
	case e.moved && e.Status != 0:
		return Advice("ORG_MOVED")
	case e.Class() == Throttle:
		return Advice("CONCURRENT_REQUESTS")
	case e.Class() == Oversized:
		return Advice("GOVERNOR_LIMIT")
	}
	return Advice(e.Code)
}

// Advice returns what a person can do about the error, or "" where nothing known would help. The text is
// constant.
func (r RowError) Advice() string {
	if r.Class() == Oversized {
		return Advice("GOVERNOR_LIMIT")
	}
	return Advice(r.Code)
}

// Advice returns what a failure with this code means and what a person can do about it, or "" where nothing is known.
func Advice(code string) string {
	entry, known := advice.Of(advice.Salesforce, code)
	if !known {
		return ""
	}
	return entry.Text()
}
