package gateway

import (
	"encoding/base64"
	"errors"
	"net/textproto"
	"strings"
	"unicode/utf8"
)

// encodeBody returns a body as a JSON string can hold it, and whether that is base64.
func encodeBody(body []byte, h textproto.MIMEHeader, always bool) (text string, isBase64 bool) {
	if always || !isText(body, h) {
		return base64.StdEncoding.EncodeToString(body), true
	}
	return string(body), false
}

// decodeBody returns the body of an event or an answer.
func decodeBody(o object) ([]byte, error) {
	encoded, ok := o.get("isBase64Encoded").(bool)
	if !ok && o.get("isBase64Encoded") != nil {
		return nil, errors.New("isBase64Encoded: expected true or false")
	}
	text, ok := o.get("body").(string)
	switch {
	case !ok && o.get("body") != nil:
		return nil, errors.New("body: expected a string")
	case text == "":
		return nil, nil
	case !encoded:
		return []byte(text), nil
	}
	body, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("body: expected base64, as isBase64Encoded is true")
	}
	return body, nil
}

// isText reports whether a body can be in a JSON string without a change, and is of
// a type that gateways send in that way. An empty body is text.
func isText(body []byte, h textproto.MIMEHeader) bool {
	if len(body) == 0 {
		return true
	}
	coding := h.Get("Content-Encoding")
	return (coding == "" || strings.EqualFold(coding, "identity")) && isTextType(h.Get("Content-Type")) && utf8.Valid(body)
}

func isTextType(contentType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	kind = strings.TrimSpace(kind)
	switch kind {
	case "", "application/json", "application/javascript", "application/xml", "application/yaml", "application/x-www-form-urlencoded":
		return true
	}
	_, suffix, _ := strings.Cut(kind, "+")
	return strings.HasPrefix(kind, "text/") || suffix == "json" || suffix == "xml" || suffix == "yaml"
}
