package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"strconv"
)

// An envelope describes the JSON object with which a function answers a gateway. All
// gateways have statusCode, body and isBase64Encoded.
type envelope struct {
	write, read values // the headers in an answer that we write, and that a gateway reads
	cookies     string // the key of a list of cookies to set, which are not among the headers
	description bool   // statusDescription, such as "200 OK"

	// bare returns the response for an answer without a status, or nil if the
	// gateway refuses that. It may be nil.
	bare func(answer []byte) *Response

	// wrong returns the response that the gateway sends in place of an answer that
	// it refuses.
	wrong func(answer []byte, cause error) *Response
}

// Answer returns a response as the envelope with which a function answers.
func (g *Gateway) Answer(r *Response) ([]byte, error) {
	if !isStatus(r.Status) {
		return nil, fmt.Errorf("cannot write the answer: invalid status %d", r.Status)
	}
	h := canonical(r.Header)
	dropConnection(h)
	if err := checkHeader(h); err != nil {
		return nil, fmt.Errorf("cannot write the answer: %w", err)
	}
	body, isBase64 := "", false
	if hasBody(r.Status) {
		body, isBase64 = encodeBody(r.Body, h, false)
	}
	e := object{"statusCode": r.Status, "body": body, "isBase64Encoded": isBase64}
	if g.answer.description {
		e["statusDescription"] = description(r.Status)
	}
	if cookies := h["Set-Cookie"]; g.answer.cookies != "" && len(cookies) > 0 {
		e.set(g.answer.cookies, cookies)
		h.Del("Set-Cookie")
	}
	g.answer.write.write(e, h, json.RawMessage("{}"))
	return e.json()
}

// An AnswerError reports an answer that the gateway refuses.
type AnswerError struct {
	Gateway  *Gateway
	Cause    error
	Response *Response // what the gateway sends to the client
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("%s refuses the answer: %v", e.Gateway.Title, e.Cause)
}

func (e *AnswerError) Unwrap() error { return e.Cause }

var (
	errNoStatus  = errors.New("the answer has no statusCode")
	errBadStatus = errors.New("statusCode: expected an integer from 100 to 599")
)

// Response returns the response that the gateway makes from a function's
// answer. If passthrough is true, the trigger does not use envelopes, and the
// answer is the body. The error is an AnswerError.
func (g *Gateway) Response(answer []byte, passthrough bool) (*Response, error) {
	if passthrough {
		return plainResponse(200, "application/json", answer), nil
	}
	r, err := g.readAnswer(answer)
	if err != nil {
		return nil, &AnswerError{Gateway: g, Cause: err, Response: g.answer.wrong(answer, err)}
	}
	return r, nil
}

func (g *Gateway) readAnswer(answer []byte) (*Response, error) {
	e, err := parseObject(answer)
	if err == nil && e["statusCode"] == nil {
		err = errNoStatus
	}
	if err == nil {
		return g.readEnvelope(e)
	}
	if g.answer.bare != nil {
		if r := g.answer.bare(answer); r != nil {
			return r, nil
		}
	}
	return nil, err
}

func (g *Gateway) readEnvelope(e object) (r *Response, err error) {
	r = &Response{}
	if r.Status, err = status(e); err != nil {
		return nil, err
	}
	if r.Header, err = g.answer.header(e); err != nil {
		return nil, err
	}
	if r.Body, err = decodeBody(e); err != nil {
		return nil, err
	}
	if !hasBody(r.Status) {
		r.Body = nil
	}
	return r, nil
}

// header returns the headers of an answer, with the cookies that it sets.
func (a *envelope) header(e object) (textproto.MIMEHeader, error) {
	all, err := a.read.read(e, textproto.CanonicalMIMEHeaderKey)
	if err != nil {
		return nil, err
	}
	cookies, err := onlyList(e.get(a.cookies))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.cookies, err)
	}
	h := textproto.MIMEHeader(all)
	for _, cookie := range cookies {
		h.Add("Set-Cookie", cookie)
	}
	dropConnection(h)
	return h, checkHeader(h)
}

// status returns the status of an answer. It refuses a status that is a string.
func status(e object) (int, error) {
	number, _ := e["statusCode"].(json.Number)
	code, err := strconv.Atoi(number.String())
	switch {
	case err == nil && code == 0:
		return 0, errNoStatus
	case err != nil || !isStatus(code):
		return 0, errBadStatus
	}
	return code, nil
}

func isStatus(code int) bool { return code >= 100 && code <= 599 }

// bareJSON returns the response for an answer that is JSON without a status. The body
// is the text of a string, or any other JSON as it stands.
func bareJSON(answer []byte) *Response {
	v, err := parse(answer)
	if err != nil {
		return nil
	}
	if text, ok := v.(string); ok {
		answer = []byte(text)
	}
	return plainResponse(200, "application/json", answer)
}

// bareText returns the response for any answer without a status.
func bareText(answer []byte) *Response {
	if json.Valid(answer) {
		return plainResponse(200, "application/json", answer)
	}
	return plainResponse(200, "text/plain; charset=utf-8", answer)
}

func plainResponse(status int, contentType string, body []byte) *Response {
	return &Response{Status: status, Header: textproto.MIMEHeader{"Content-Type": {contentType}}, Body: body}
}

// fixedError returns a function that always returns the same error.
func fixedError(status int, contentType, body string) func([]byte, error) *Response {
	return func([]byte, error) *Response { return plainResponse(status, contentType, []byte(body)) }
}

// message returns a function that returns an error in the form of AWS.
func message(status int, text string) func([]byte, error) *Response {
	return func([]byte, error) *Response { return jsonResponse(status, object{"message": text}) }
}

func jsonResponse(status int, fields object) *Response {
	body, _ := fields.json() // strings only: cannot fail
	return plainResponse(status, "application/json", body)
}
