package integration

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// pageFunction does what the function on SCF's page about custom runtimes does
// (cloud.tencent.com/document/product/583/47610).
const pageFunction = `main_handler() {
	echo "$1" >&2
	echo Echoing request: "'"$1"'"
}
`

// The two calls of that page, as Tencent's SDK for Python sends them, get from
// bootstrapctl local what the page shows, with our runtime in the package.
func TestVendorsPage(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "index.sh", pageFunction, 0o644)
	file := filepath.Join(t.TempDir(), "demo.zip")
	if out, log, status := output(t, exec.Command(bootstrapctl, "pack", "-o", file, dir)); status != 0 {
		t.Fatalf("pack: status %d\n%s%s", status, out, log)
	}
	zip, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	address := serveLocal(t, "-platform", "scf", "../examples/shell")

	created := replay(t, address, "python-01_CreateFunction.http", func(body string) string {
		return zipFile.ReplaceAllLiteralString(body, `"ZipFile": "`+base64.StdEncoding.EncodeToString(zip)+`"`)
	})
	if !regexp.MustCompile(`^\{"Response":\{"RequestId":"[0-9a-f-]{36}"\}\}$`).MatchString(created) {
		t.Fatalf("CreateFunction: got %s", created)
	}
	invoked := replay(t, address, "python-02_Invoke.http", nil)
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
func replay(t *testing.T, address, name string, change func(body string) string) string {
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
	r, err := http.NewRequest(recorded.Method, "http://"+address+recorded.RequestURI, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header, r.Host = recorded.Header, recorded.Host
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %s %s, %v", name, response.Status, answer, err)
	}
	return string(answer)
}

// serveLocal runs bootstrapctl local until the end of the test, and returns its address.
func serveLocal(t *testing.T, args ...string) (address string) {
	t.Helper()
	read, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close()
	var log bytes.Buffer
	cmd := exec.Command(bootstrapctl, append([]string{"local", "-addr", "127.0.0.1:0"}, args...)...)
	cmd.Stdout, cmd.Stderr = stdout, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error: it has exited
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("bootstrapctl local: %v\n%s", err, &log)
		}
		read.Close()
	})
	stdout.Close()
	line, _ := bufio.NewReader(read).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if !ok {
		t.Fatalf("bootstrapctl local begins with %q", line)
	}
	return address
}
