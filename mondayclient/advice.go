package mondayclient

import (
	"net/http"

	"crmsync/internal/advice"
)

// Advice returns what the error means and what a person can do about it, or "" if that is unknown. The text is
// constant.
func (e *Error) Advice() string {
	switch code := plain(e.Code); {
	case code == "missingrequiredpermissions", code == "invalidversionexception", e.class() == daily:
		return Advice(e.Code)
	case code == "notauthenticated", e.Status == http.StatusUnauthorized:
		return Advice(codeRefused)
	case e.IsAccessDenied(), e.Single && classes[code] == login:
		return Advice("UserUnauthorized")
	}
	return Advice(e.Code)
}

// Advice returns what a failure with this code means and what a person can do about it, or "" if that is unknown. The
// text is constant.
func Advice(code string) string {
	entry, known := advice.Of(advice.Monday, code)
	if !known {
		return ""
	}
	return entry.Text()
}
