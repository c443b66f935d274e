package aws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	maxSkew    = 15 * time.Minute
)

// authenticate returns a failure for a request that no key has signed, if there are
// keys. The signature is version 4 of AWS's, in a header: links that are signed in
// advance are not accepted.
func (c *call) authenticate() error {
	if len(c.secrets) == 0 {
		return nil
	}
	header := c.r.Header.Get("Authorization")
	if header == "" {
		return forbidden("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	s := parseSignature(header)
	if s == nil {
		return forbidden("IncompleteSignatureException", "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters of "+algorithm+".")
	}
	if err := c.checkScope(s); err != nil {
		return err
	}
	secret, known := c.secrets[s.keyID]
	if !known {
		return forbidden("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	if !hmac.Equal([]byte(s.compute(c.r, c.body, secret)), []byte(s.signature)) || !c.isHashed() {
		return badSignature("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

func forbidden(kind, message string) *failure {
	return &failure{http.StatusForbidden, kind, object{"message": message}}
}

func badSignature(message string) *failure { return forbidden("InvalidSignatureException", message) }

// A signature is what an Authorization header says.
type signature struct {
	keyID, date, region, service string
	signed                       []string // names of headers, in lower case
	signature                    string
}

var signaturePattern = regexp.MustCompile(`^` + algorithm + ` +Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request, *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$`)

// parseSignature reads an Authorization header, and returns nil for another form.
func parseSignature(header string) *signature {
	m := signaturePattern.FindStringSubmatch(header)
	if m == nil {
		return nil
	}
	return &signature{keyID: m[1], date: m[2], region: m[3], service: m[4], signed: strings.Split(m[5], ";"), signature: m[6]}
}

// checkScope returns a failure if a signature is for another service or another time.
func (c *call) checkScope(s *signature) error {
	sent := c.r.Header.Get("X-Amz-Date")
	at, err := time.Parse(timeFormat, sent)
	now := c.now().UTC()
	text := now.Format(timeFormat)
	switch {
	case err != nil:
		return forbidden("IncompleteSignatureException", "Authorization header requires existence of a 'X-Amz-Date' header.")
	case !slices.Contains(s.signed, "host"):
		return badSignature("'Host' must be a 'SignedHeader' in the AWS Authorization.")
	case s.service != "lambda":
		return badSignature("Credential should be scoped to correct service: 'lambda'.")
	case !strings.HasPrefix(sent, s.date):
		return badSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" + s.date + "' != '" + sent[:8] + "', from '" + sent + "'.")
	case now.Sub(at) > maxSkew:
		return badSignature("Signature expired: " + sent + " is now earlier than " + now.Add(-maxSkew).Format(timeFormat) + " (" + text + " - 15 min.)")
	case at.Sub(now) > maxSkew:
		return badSignature("Signature not yet current: " + sent + " is still later than " + now.Add(maxSkew).Format(timeFormat) + " (" + text + " + 15 min.)")
	}
	return nil
}

// compute returns the signature that a request must have.
func (s *signature) compute(r *http.Request, body []byte, secret string) string {
	scope := strings.Join([]string{s.date, s.region, s.service, "aws4_request"}, "/")
	hash := sha256.Sum256([]byte(s.canonical(r, body)))
	text := strings.Join([]string{algorithm, r.Header.Get("X-Amz-Date"), scope, hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request"} {
		key = sign(key, part)
	}
	return hex.EncodeToString(sign(key, text))
}

func sign(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonical returns the form of a request that is signed. Its path is escaped once
// more than in the request.
func (s *signature) canonical(r *http.Request, body []byte) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + escape(r.URL.EscapedPath(), "/") + "\n" + canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range s.signed {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(s.signed, ";") + "\n" + payloadHash(r, body))
	return b.String()
}

const unsigned = "UNSIGNED-PAYLOAD"

// payloadHash returns the hash that was signed: Go's SDK does not send it.
func payloadHash(r *http.Request, body []byte) string {
	if r.Header.Get("X-Amz-Content-Sha256") == unsigned {
		return unsigned
	}
	hash := sha256.Sum256(body)
	return hex.EncodeToString(hash[:])
}

// isHashed reports whether the body has the hash that a request states. Bodies that are
// signed in chunks, as S3 has them, do not exist for Lambda.
func (c *call) isHashed() bool {
	stated := c.r.Header.Get("X-Amz-Content-Sha256")
	return stated == "" || stated == payloadHash(c.r, c.body)
}

var spaces = regexp.MustCompile(` +`)

// headerValue returns a header as it is signed.
func headerValue(r *http.Request, name string) string {
	if name == "host" {
		return r.Host
	}
	values := slices.Clone(r.Header.Values(name))
	for i, v := range values {
		values[i] = spaces.ReplaceAllString(strings.TrimSpace(v), " ")
	}
	return strings.Join(values, ",")
}

// canonicalQuery returns the parameters in order, each escaped.
func canonicalQuery(raw string) string {
	query, _ := url.ParseQuery(raw) // a wrong escape makes a wrong signature
	var pairs []string
	for name, values := range query {
		for _, v := range values {
			pairs = append(pairs, escape(name, "")+"="+escape(v, ""))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escape escapes all characters but letters, digits, "-._~" and those in safe.
func escape(text, safe string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(text) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if letter || strings.IndexByte("-._~"+safe, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
	}
	return b.String()
}
