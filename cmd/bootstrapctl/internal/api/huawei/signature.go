package huawei

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateFormat = "20060102T150405Z"
	maxSkew    = 15 * time.Minute // of the clocks
)

var authorization = regexp.MustCompile(`^` + algorithm + ` Access=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$`)

// authenticate checks the signature of a request, if there are keys
// (support.huaweicloud.com/devg-apisign/api-sign-algorithm.html).
func (a *api) authenticate(r *http.Request, body []byte) error {
	if len(a.keys) == 0 {
		return nil
	}
	header := r.Header.Get("Authorization")
	part := authorization.FindStringSubmatch(header)
	switch {
	case header == "" && r.Header.Get("X-Auth-Token") != "":
		return errIdentity.because("decrypt token fail. The local platform has no tokens: sign the request with a key.")
	case part == nil:
		return errIdentity.because("expected the header Authorization: %s Access=…, SignedHeaders=…, Signature=….", algorithm)
	}
	secret, ok := a.keys[part[1]]
	if !ok {
		return errIdentity.because("Get secretKey failed. The local platform does not have the access key %q.", part[1])
	}
	date := r.Header.Get("X-Sdk-Date")
	if at, err := time.Parse(dateFormat, date); err != nil || a.now().Sub(at).Abs() > maxSkew {
		return errIdentity.because("X-Sdk-Date is %q, expected the present time.", date)
	}
	if !hmac.Equal([]byte(part[3]), []byte(signature(r, body, part[2], secret))) {
		return errIdentity.because("verify aksk signature fail.")
	}
	return nil
}

// signature returns the signature of a request. signed lists the headers that it covers.
func signature(r *http.Request, body []byte, signed, secret string) string {
	var headers strings.Builder
	for name := range strings.SplitSeq(signed, ";") {
		headers.WriteString(name + ":" + strings.TrimSpace(valueOf(r, name)) + "\n")
	}
	canonical := strings.Join([]string{
		r.Method, canonicalPath(r.URL), canonicalQuery(r.URL), headers.String(), signed, digest(body),
	}, "\n")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(algorithm + "\n" + r.Header.Get("X-Sdk-Date") + "\n" + digest([]byte(canonical))))
	return hex.EncodeToString(mac.Sum(nil))
}

// valueOf returns the value of a header, of which net/http keeps some elsewhere.
func valueOf(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	return r.Header.Get(name)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// canonicalPath returns the path with each part escaped and a slash at its end.
func canonicalPath(u *url.URL) string {
	parts := strings.Split(strings.TrimSuffix(u.EscapedPath(), "/"), "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			parts[i] = escape(plain)
		}
	}
	return strings.Join(parts, "/") + "/"
}

// canonicalQuery returns the query sorted by name and value.
func canonicalQuery(u *url.URL) string {
	query := u.Query()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range slices.Sorted(slices.Values(query[name])) {
			all = append(all, escape(name)+"="+escape(value))
		}
	}
	return strings.Join(all, "&")
}

// escape escapes all but the unreserved characters of RFC 3986.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
