package aws

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
	"bootstrap/protocol"
)

const mirrorArgument = "mirror-runtime"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == mirrorArgument {
		mirror()
		return
	}
	localtest.Main(m)
}

// mirror is a runtime that answers each event with the headers that it came with.
func mirror() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		response, err := http.Get(base + "next")
		if err != nil {
			return
		}
		response.Body.Close()
		headers, _ := json.Marshal(response.Header) // strings: never fails
		path := base + response.Header.Get("Lambda-Runtime-Aws-Request-Id") + "/response"
		if answer, err := http.Post(path, "application/json", bytes.NewReader(headers)); err == nil {
			answer.Body.Close()
		}
	}
}

// mirrorRuntime returns the runtime that mirror is.
func mirrorRuntime(string) ([]string, error) {
	program, err := os.Executable()
	return []string{program, mirrorArgument}, err
}

// A fixture is an API of a cloud of its own.
type fixture struct {
	t     *testing.T
	api   *API
	cloud *local.Cloud
}

func newFixture(t *testing.T, o local.Options, keys ...local.Key) *fixture {
	t.Helper()
	cloud := localtest.New(t, o)
	return &fixture{t, New(cloud, keys...), cloud}
}

// create creates a function from a folder.
func (f *fixture) create(s local.Settings) *local.Function {
	f.t.Helper()
	s.Platform = protocol.Lambda
	s.Timeout = cmp.Or(s.Timeout, time.Minute)
	fn, err := f.cloud.Create(s, local.Code{Path: f.t.TempDir()})
	if err != nil {
		f.t.Fatal(err)
	}
	return fn
}

// An answer is what the API answers.
type answer struct {
	status int
	header http.Header
	body   string
}

// field returns a field of an answer that is an object.
func (a answer) field(names ...string) any {
	var value any
	if err := json.Unmarshal([]byte(a.body), &value); err != nil {
		return err
	}
	for _, name := range names {
		fields, _ := value.(map[string]any)
		value = fields[name]
	}
	return value
}

func (f *fixture) send(r *http.Request) answer {
	w := httptest.NewRecorder()
	f.api.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// call sends a request. The body is JSON, or a value to encode.
func (f *fixture) call(method, path string, body any, headers ...string) answer {
	f.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			f.t.Fatal(err)
		}
		text = string(encoded)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(text))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return f.send(r)
}

// expect calls, and checks the status and the type of the error, if there is one.
func (f *fixture) expect(status int, kind, method, path string, body any, headers ...string) answer {
	f.t.Helper()
	a := f.call(method, path, body, headers...)
	if a.status != status || a.header.Get("X-Amzn-Errortype") != kind {
		f.t.Errorf("%s %s: got %d %s %s, want %d %s", method, path, a.status, a.header.Get("X-Amzn-Errortype"), a.body, status, kind)
	}
	if id := a.header.Get("X-Amzn-Requestid"); len(id) != 36 {
		f.t.Errorf("%s %s: the request id is %q", method, path, id)
	}
	return a
}

// recorded reads a request that an SDK has sent.
func recorded(t *testing.T, name string) *http.Request {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "requests", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(content)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

// setClock sets the clock of the API to the time at which a request was signed.
func (f *fixture) setClock(r *http.Request) {
	f.t.Helper()
	at, err := time.Parse(timeFormat, r.Header.Get("X-Amz-Date"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.api.now = func() time.Time { return at }
}

// input returns a request to create a function.
func input(t *testing.T, name string) object {
	return object{"FunctionName": name, "Runtime": "provided.al2023", "Handler": "index.handler",
		"Role": "arn:aws:iam::000000000000:role/x", "Code": object{"ZipFile": localtest.Zip(t)}}
}

// with returns an object with another value, at a path such as "Code.ZipFile".
func with(o object, path string, value any) object {
	name, rest, nested := strings.Cut(path, ".")
	if nested {
		inner, _ := o[name].(object)
		if inner == nil {
			inner = object{}
		}
		value = with(inner, rest, value)
	}
	o[name] = value
	return o
}

// logOf returns the tail of the log in an answer.
func logOf(t *testing.T, a answer) string {
	t.Helper()
	text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, strings.NewReader(a.header.Get("X-Amz-Log-Result"))))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
