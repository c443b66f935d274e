package gateway

import (
	"net/textproto"
	"testing"
)

// TestIsText checks which bodies are sent as they are, and which in base64.
func TestIsText(t *testing.T) {
	for _, test := range []struct {
		body, contentType, coding string
		want                      bool
	}{
		{"", "image/png", "", true},
		{"x", "", "", true},
		{"x", "text/css", "", true},
		{"x", "Text/HTML; charset=utf-8", "", true},
		{"x", "application/json", "", true},
		{"x", "application/problem+json; charset=utf-8", "", true},
		{"x", "image/svg+xml", "", true},
		{"x", "application/x-www-form-urlencoded", "", true},
		{"x", "text/plain", "identity", true},
		{"x", "text/plain", "Identity", true},
		{"x", "text/plain", "br", false},
		{"x", "image/png", "", false},
		{"x", "application/octet-stream", "", false},
		{"x", "multipart/form-data; boundary=x", "", false},
		{"\xff", "text/plain", "", false},
		{"\xff", "", "", false},
	} {
		h := textproto.MIMEHeader{}
		if test.contentType != "" {
			h.Set("Content-Type", test.contentType)
		}
		if test.coding != "" {
			h.Set("Content-Encoding", test.coding)
		}
		if got := isText([]byte(test.body), h); got != test.want {
			t.Errorf("%+v: got %t", test, got)
		}
	}
}
