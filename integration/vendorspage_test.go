package integration

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// pageFunction does what the function on SCF's page about custom runtimes does
// (cloud.tencent.com/document/product/583/47610).
const pageFunction = `main_handler() {
	echo "$1" >&2
	echo Echoing request: "'"$1"'"
}
`

// bootstrapctl local answers the two calls on that page, as Tencent's SDK for
// Python sends them, as the page shows, with our runtime in the package.
func TestVendorsPage(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "index.sh", pageFunction, 0o644)
	zip, err := os.ReadFile(zipOf(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, "-platform", "scf", "../examples/shell").url

	created := replay(t, url, "python-01_CreateFunction.http", func(body string) string {
		return zipFile.ReplaceAllLiteralString(body, `"ZipFile": "`+base64.StdEncoding.EncodeToString(zip)+`"`)
	})
	if !regexp.MustCompile(`^\{"Response":\{"RequestId":"[0-9a-f-]{36}"\}\}$`).MatchString(created) {
		t.Fatalf("CreateFunction: got %s", created)
	}
	invoked := replay(t, url, "python-02_Invoke.http", nil)
	var answer struct {
		Response struct {
			RequestId string
			Result    map[string]any
		}
	}
	if err := json.Unmarshal([]byte(invoked), &answer); err != nil {
		t.Fatal(err)
	}
	r := answer.Response.Result
	if want := `Echoing request: '{ "key1": "test value 1", "key2": "test value 2" }'`; r["RetMsg"] != want {
		t.Errorf("RetMsg: got %q, want %q", r["RetMsg"], want)
	}
	if r["Log"] != "" || r["ErrMsg"] != "" || r["InvokeResult"] != 0.0 || r["FunctionRequestId"] != answer.Response.RequestId || len(r) != 8 {
		t.Errorf("got %s", invoked)
	}
	for _, number := range []string{"MemUsage", "BillDuration", "Duration"} {
		if n, ok := r[number].(float64); !ok || n <= 0 {
			t.Errorf("%s: got %v", number, r[number])
		}
	}
}

var zipFile = regexp.MustCompile(`"ZipFile": "[^"]*"`)

// replay sends a recorded request, whose body may be changed, and returns the answer.
func replay(t *testing.T, url, name string, change func(body string) string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../cmd/bootstrapctl/internal/api/tencent/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(recorded.Body)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		body = []byte(change(string(body)))
	}
	r, err := http.NewRequest(recorded.Method, url+recorded.RequestURI, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header, r.Host = recorded.Header, recorded.Host
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	status, answer := readResponse(t, response)
	if status != http.StatusOK {
		t.Fatalf("%s: got %d %s", name, status, answer)
	}
	return answer
}
