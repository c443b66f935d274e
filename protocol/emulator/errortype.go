package emulator

import (
	"encoding/json"
	"net/http"
	"regexp"
)

// lambdaType is the form of an error type that AWS's own emulator accepts.
var lambdaType = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)

// errorType returns the type of a posted error: from the platform's header for
// it, or from the body if the header is missing. It returns unknown for an
// invalid type in the header.
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
