package huawei

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
	"bootstrap/protocol"
)

// The keys of the captures.
var exampleKey = local.Key{ID: "AKEXAMPLE", Secret: "SKEXAMPLE"}

// A capture is a request of one of the vendor's SDKs, and an answer that the SDK accepts.
type capture struct {
	request *http.Request
	body    []byte
	status  int
	answer  string
}

func readCapture(t *testing.T, file string) capture {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sent, received, ok := bytes.Cut(content, []byte("\n=== RESPONSE SENT ===\n"))
	if !ok {
		t.Fatalf("%s has no answer", file)
	}
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent)))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	body := make([]byte, request.ContentLength)
	if _, err := io.ReadFull(request.Body, body); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	head, answer, _ := strings.Cut(string(received), "\n\n")
	c := capture{request: request, body: body, answer: strings.TrimSpace(answer)}
	if _, err := fmt.Sscanf(head, "HTTP/1.1 %d", &c.status); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

// send sends the captured request at the time at which it was signed.
func (c capture) send(t *testing.T, a *api) *httptest.ResponseRecorder {
	t.Helper()
	signed, err := time.Parse(dateFormat, c.request.Header.Get("X-Sdk-Date"))
	if err != nil {
		t.Fatal(err)
	}
	a.now = func() time.Time { return signed }
	r := c.request.Clone(t.Context())
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	if !Handles(r) {
		t.Errorf("%s: Handles returned false", r.URL.Path)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// The requests of the SDKs for Go and Node get answers with the fields and types that the
// SDKs accept. The signatures are checked.
func TestCaptures(t *testing.T) {
	for _, sdk := range []string{"go", "node"} {
		t.Run(sdk, func(t *testing.T) {
			a := New(localtest.New(t, local.Options{}), exampleKey).(*api)
			files, err := filepath.Glob("testdata/" + sdk + "-*.txt")
			if err != nil || len(files) < 5 {
				t.Fatalf("captures: %v, %v", files, err)
			}
			for _, file := range files {
				c := readCapture(t, file)
				w := c.send(t, a)
				if w.Code != c.status {
					t.Errorf("%s: got status %d: %s\nwant %d", file, w.Code, w.Body, c.status)
				}
				compare(t, file, w, c)
				if c.request.Method == "POST" && strings.HasSuffix(c.request.URL.Path, "/functions") {
					useRuntime(t, a)
				}
			}
		})
	}
}

// useRuntime gives the function hello a bootstrap that works, unlike that of the captures.
func useRuntime(t *testing.T, a *api) {
	t.Helper()
	f, err := a.cloud.Function(protocol.FunctionGraph, "hello")
	if err == nil {
		err = f.SetCode(local.Code{Zip: localtest.Zip(t)})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, file string, w *httptest.ResponseRecorder, c capture) {
	t.Helper()
	var want, got any
	if json.Unmarshal([]byte(c.answer), &want) != nil {
		if c.answer == "" != (w.Body.Len() == 0) {
			t.Errorf("%s: got the body %q\nwant one like %q", file, w.Body, c.answer)
		}
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v in %s", file, err, w.Body)
	}
	compareTypes(t, file, got, want)
}

// compareTypes checks that our answer has each field of an accepted answer,
// with the same type.
func compareTypes(t *testing.T, at string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%T", got), fmt.Sprintf("%T", want); g != w {
		t.Errorf("%s: got a %s, want a %s", at, g, w)
		return
	}
	switch want := want.(type) {
	case map[string]any:
		for name, value := range want {
			compareTypes(t, at+"."+name, got.(map[string]any)[name], value)
		}
	case []any:
		if len(want) > 0 && len(got.([]any)) > 0 {
			compareTypes(t, at+"[0]", got.([]any)[0], want[0])
		}
	case float64:
		if n := got.(float64); n != float64(int(n)) {
			t.Errorf("%s: got %v, expected an integer", at, n)
		}
	}
}

// A request that is not signed with one of the keys, or was changed after it
// was signed, is refused.
func TestSignature(t *testing.T) {
	const file = "testdata/go-02.txt"
	withKey := func(keys ...local.Key) *api { return New(localtest.New(t, local.Options{}), keys...).(*api) }
	change := func(f func(c *capture)) capture {
		c := readCapture(t, file)
		f(&c)
		return c
	}
	header := func(name, value string) capture {
		return change(func(c *capture) { c.request.Header.Set(name, value) })
	}
	for _, test := range []struct {
		name string
		api  *api
		sent capture
		want string // a part of the message; empty: it is accepted
	}{
		{"as signed", withKey(exampleKey), readCapture(t, file), ""},
		{"another key beside it", withKey(local.Key{ID: "other", Secret: "secret"}, exampleKey), readCapture(t, file), ""},
		{"no keys", withKey(), header("Authorization", ""), ""},
		{"no keys, but a token", withKey(), header("X-Auth-Token", "anything"), ""},
		{"other secret", withKey(local.Key{ID: exampleKey.ID, Secret: "other"}), readCapture(t, file), "verify aksk signature fail"},
		{"unknown key", withKey(local.Key{ID: "other", Secret: exampleKey.Secret}), readCapture(t, file), "Get secretKey failed"},
		{"other body", withKey(exampleKey), change(func(c *capture) { c.body[1] = ' ' }), "verify aksk signature fail"},
		{"other method", withKey(exampleKey), change(func(c *capture) { c.request.Method = "PUT" }), "verify aksk signature fail"},
		{"other path", withKey(exampleKey), change(func(c *capture) { c.request.URL.Path += "-async" }), "verify aksk signature fail"},
		{"a query", withKey(exampleKey), change(func(c *capture) { c.request.URL.RawQuery = "a=b" }), "verify aksk signature fail"},
		{"other header", withKey(exampleKey), header("X-Cff-Log-Type", "none"), "verify aksk signature fail"},
		{"no signature", withKey(exampleKey), header("Authorization", ""), "expected the header Authorization"},
		{"other algorithm", withKey(exampleKey), header("Authorization", "V11-HMAC-SHA256 Credential=a"), "expected the header Authorization"},
		{"token", withKey(exampleKey), change(func(c *capture) {
			c.request.Header.Del("Authorization")
			c.request.Header.Set("X-Auth-Token", "anything")
		}), "decrypt token fail"},
	} {
		w := test.sent.send(t, test.api)
		var got failure
		_ = json.Unmarshal(w.Body.Bytes(), &got) // else it has no code
		switch refused := got.Code == errIdentity.Code && w.Code == 401; {
		case test.want == "" && (refused || got.Code != errNoFunction.Code):
			t.Errorf("%s: got %d %s", test.name, w.Code, w.Body)
		case test.want != "" && (!refused || !strings.Contains(got.Message, test.want)):
			t.Errorf("%s: got %d %s\nwant %s", test.name, w.Code, w.Body, test.want)
		}
	}
}

// A signature is valid for 15 minutes before and after its time.
func TestSignatureTime(t *testing.T) {
	for skew, want := range map[time.Duration]bool{
		14 * time.Minute: true, -14 * time.Minute: true, 16 * time.Minute: false, -16 * time.Minute: false,
	} {
		c := readCapture(t, "testdata/node-04.txt")
		a := New(localtest.New(t, local.Options{}), exampleKey).(*api)
		signed, _ := time.Parse(dateFormat, c.request.Header.Get("X-Sdk-Date"))
		a.now = func() time.Time { return signed.Add(skew) }
		if err := a.authenticate(c.request, c.body); (err == nil) != want {
			t.Errorf("%v: got %v", skew, err)
		}
	}
}

// Every captured signature can be computed from the request.
func TestSignatures(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		c := readCapture(t, file)
		part := regexp.MustCompile(`SignedHeaders=(\S+), Signature=(\S+)`).FindStringSubmatch(c.request.Header.Get("Authorization"))
		if got := signature(c.request, c.body, part[1], exampleKey.Secret); got != part[2] {
			t.Errorf("%s: got %s\nwant %s", file, got, part[2])
		}
	}
}

// The query is signed sorted by name, then by value, with RFC 3986's escapes.
func TestCanonicalQuery(t *testing.T) {
	r := httptest.NewRequest("GET", "/?b=2&a-b=1&a=z&a=%2F+x&c", nil)
	if got, want := canonicalQuery(r.URL), "a=%2F%20x&a=z&a-b=1&b=2&c="; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
