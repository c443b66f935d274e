package failure

import (
	"bytes"
	"encoding/json"

	"bootstrap/protocol"
)

// maxReported is the maximum size of a failure on stdout; longer objects are results.
// On stderr it must fit into the end of the log that the caller keeps.
const maxReported = 64 << 10

// Reported returns the failure that a command itself reports, in the form in
// which it is posted: a JSON object with errorType and errorMessage, as the last
// line of its stderr, or as all of its stdout. It returns nil if there is none.
func Reported(log []string, stdout []byte) *protocol.Failure {
	for i := len(log) - 1; i >= 0; i-- {
		if log[i] != "" {
			if f := parseFailure([]byte(log[i])); f != nil {
				return f
			}
			break
		}
	}
	return parseFailure(stdout)
}

func parseFailure(text []byte) *protocol.Failure {
	if text = bytes.TrimSpace(text); len(text) > maxReported || !bytes.HasPrefix(text, []byte("{")) {
		return nil
	}
	var own struct {
		Type    string   `json:"errorType"`
		Message *string  `json:"errorMessage"`
		Stack   []string `json:"stackTrace"`
	}
	if json.Unmarshal(text, &own) != nil || own.Type == "" || own.Message == nil {
		return nil
	}
	return &protocol.Failure{Type: own.Type, Message: *own.Message, Stack: own.Stack}
}
