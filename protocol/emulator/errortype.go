package emulator

import (
	"encoding/json"
	"net/http"
	"regexp"
)

// lambdaType is the form that AWS's own emulator asks of an error type.
var lambdaType = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)

// errorType is the type of a posted error: what the platform's header for it
// says, and unknown if that has not the right form; without the header, what
// the body says.
func (s *Server) errorType(r *http.Request, body []byte, unknown string) string {
	if s.platform.ErrorType != "" && r.Header.Get(s.platform.ErrorType) != "" {
		if kind := r.Header.Get(s.platform.ErrorType); lambdaType.MatchString(kind) {
			return kind
		}
		return unknown
	}
	var said struct {
		ErrorType string `json:"errorType"`
	}
	_ = json.Unmarshal(body, &said) // any text is allowed
	return said.ErrorType
}
