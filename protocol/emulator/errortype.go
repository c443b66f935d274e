package emulator

import (
	"encoding/json"
	"net/http"
	"regexp"
)

// lambdaType is the form of an error type that AWS's own emulator accepts.
var lambdaType = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)

// errorType returns the type of a posted error. The platform's header for it
// wins, with unknown in place of an invalid type; else the type comes from the
// body.
func (s *Server) errorType(r *http.Request, body []byte, unknown string) string {
	if s.platform.ErrorType != "" && r.Header.Get(s.platform.ErrorType) != "" {
		if kind := r.Header.Get(s.platform.ErrorType); lambdaType.MatchString(kind) {
			return kind
		}
		return unknown
	}
	var posted struct {
		ErrorType string `json:"errorType"`
	}
	_ = json.Unmarshal(body, &posted) // any text is allowed
	return posted.ErrorType
}
