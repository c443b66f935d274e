package tencent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// maxSkew is how far the clocks of a caller and the platform may be apart.
const maxSkew = 5 * time.Minute

// authorization is the header of TC3-HMAC-SHA256. The service may contain colons, as the
// SDK for Node.js takes the beginning of the endpoint for it: "127", "localhost:9000".
var authorization = regexp.MustCompile(`^TC3-HMAC-SHA256 +Credential=([^/,]+)/(\d{4}-\d\d-\d\d)/([^/,]+)/tc3_request, *SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})$`)

// A signature is what the header of a signed request says.
type signature struct {
	id, date, service string
	headers           []string
	sum               string
}

// parseSignature reads the header Authorization.
func parseSignature(header string) (signature, error) {
	m := authorization.FindStringSubmatch(header)
	if m == nil {
		return signature{}, fail("AuthFailure.InvalidAuthorization", "cannot read the header Authorization: expected TC3-HMAC-SHA256 Credential=…/…/…/tc3_request, SignedHeaders=…, Signature=…")
	}
	sig := signature{id: m[1], date: m[2], service: m[3], headers: strings.Split(m[4], ";"), sum: m[5]}
	if !slices.Contains(sig.headers, "host") || !slices.Contains(sig.headers, "content-type") {
		return sig, fail("AuthFailure.InvalidAuthorization", "the signed headers are %s: expected content-type and host among them", short(m[4]))
	}
	return sig, nil
}

// checkSignature checks a call against the keys, if there are any.
func (s *server) checkSignature(c *call) error {
	if len(s.keys) == 0 {
		return nil
	}
	sig, err := parseSignature(c.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.keys, func(k local.Key) bool { return k.ID == sig.id })
	if i < 0 {
		return fail("AuthFailure.SecretIdNotFound", "The SecretId is not found: expected one that the local platform was started with")
	}
	if err := s.checkTime(sig, c.Header.Get("X-TC-Timestamp")); err != nil {
		return err
	}
	if !sig.matches(c, s.keys[i].Secret) {
		return fail("AuthFailure.SignatureFailure", "The provided credentials could not be validated. Please check your signature is correct.")
	}
	return nil
}

// checkTime checks the time of a request.
func (s *server) checkTime(sig signature, timestamp string) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fail("AuthFailure.SignatureFailure", "X-TC-Timestamp is %q: expected the seconds since 1970", short(timestamp))
	}
	at := time.Unix(seconds, 0)
	if skew := s.now().Sub(at).Abs(); skew > maxSkew {
		return fail("AuthFailure.SignatureExpire", "X-TC-Timestamp is %s off the time of the local platform: expected at most %s", skew.Round(time.Second), maxSkew)
	}
	if date := at.UTC().Format(time.DateOnly); date != sig.date {
		return fail("AuthFailure.SignatureFailure", "the credential is for %s, and the time for %s: expected the same date in UTC", sig.date, date)
	}
	return nil
}

// matches reports whether a secret makes that signature. The SDK for Node.js signs the
// host without its port.
func (sig signature) matches(c *call, secret string) bool {
	hosts := []string{c.Host}
	if name, _, err := net.SplitHostPort(c.Host); err == nil {
		hosts = append(hosts, name)
	}
	return slices.ContainsFunc(hosts, func(host string) bool {
		return hmac.Equal([]byte(sig.of(c, secret, host)), []byte(sig.sum))
	})
}

// of returns the signature of a call with a secret.
func (sig signature) of(c *call, secret, host string) string {
	scope := sig.date + "/" + sig.service + "/tc3_request"
	text := strings.Join([]string{"TC3-HMAC-SHA256", c.Header.Get("X-TC-Timestamp"), scope, hash(sig.canonical(c, host))}, "\n")
	key := []byte("TC3" + secret)
	for _, part := range []string{sig.date, sig.service, "tc3_request", text} {
		key = sum(key, part)
	}
	return hex.EncodeToString(key)
}

// canonical returns the text of a call whose hash is signed.
func (sig signature) canonical(c *call, host string) string {
	var headers strings.Builder
	for _, name := range sig.headers {
		value := c.Header.Get(name)
		if name == "host" {
			value = host
		}
		headers.WriteString(name + ":" + strings.ToLower(strings.TrimSpace(value)) + "\n")
	}
	payload := string(c.body)
	if c.Header.Get("X-TC-Content-SHA256") == unsigned {
		payload = unsigned
	}
	return strings.Join([]string{c.Method, "/", c.URL.RawQuery, headers.String(), strings.Join(sig.headers, ";"), hash(payload)}, "\n")
}

// unsigned is signed in place of a body that the caller does not hash.
const unsigned = "UNSIGNED-PAYLOAD"

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
