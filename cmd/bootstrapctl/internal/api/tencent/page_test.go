package tencent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/pack"
)

// pageFunction does what the function on SCF's page about custom runtimes does
// (cloud.tencent.com/document/product/583/47610).
const pageFunction = `main_handler() {
	echo "$1" >&2
	echo Echoing request: "'"$1"'"
}
`

// builtRuntime builds our runtime and returns its content.
var builtRuntime = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "runtime-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", file, "bootstrap/cmd/bootstrap")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot build the runtime: %w\n%s", err, out)
	}
	return os.ReadFile(file)
})

// packed returns the zip of a folder with our runtime, as base64.
func packed(t *testing.T, dir string) string {
	t.Helper()
	content, err := builtRuntime()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := pack.ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	tree.Add("bootstrap", 0o755, content)
	var zip bytes.Buffer
	if err := tree.Write(&zip, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(zip.Bytes())
}

var zipFile = regexp.MustCompile(`"ZipFile": "[^"]*"`)

// The two calls of that page, as the SDK for Python sends them, get what the page shows,
// with our runtime in the package.
func TestVendorsPage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.sh"), []byte(pageFunction), 0o644); err != nil {
		t.Fatal(err)
	}
	a := newAPI(t, local.Options{})
	create := recorded(t, "python-01_CreateFunction.http")
	code := packed(t, dir)
	rewrite(create, func(body string) string { return zipFile.ReplaceAllLiteralString(body, `"ZipFile": "`+code+`"`) })
	if content := string(a.serve(create)); !regexp.MustCompile(`^\{"RequestId":"[0-9a-f-]{36}"\}$`).MatchString(content) {
		t.Fatalf("CreateFunction: got %s", content)
	}
	content := a.serve(recorded(t, "python-02_Invoke.http"))
	var answer struct {
		RequestId string
		Result    map[string]any
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		t.Fatal(err)
	}
	r := answer.Result
	if r["RetMsg"] != `Echoing request: '{ "key1": "test value 1", "key2": "test value 2" }'` {
		t.Errorf("RetMsg: got %q", r["RetMsg"])
	}
	if r["Log"] != "" || r["ErrMsg"] != "" || r["InvokeResult"] != 0.0 || r["FunctionRequestId"] != answer.RequestId || len(r) != 8 {
		t.Errorf("got %s", content)
	}
	for _, number := range []string{"MemUsage", "BillDuration", "Duration"} {
		if n, ok := r[number].(float64); !ok || n <= 0 {
			t.Errorf("%s: got %v", number, r[number])
		}
	}
}

// The example of this project runs the same way.
func TestShellExample(t *testing.T) {
	a := newAPI(t, local.Options{})
	a.create(object{"Code": object{"ZipFile": packed(t, "../../../../../examples/shell")}})
	r := a.invoke(`{"name":"Ada"}`)
	if r.RetMsg != `{"name":"Ada"}` || !strings.Contains(r.Log, `event: {"name":"Ada"}`) {
		t.Errorf("got %+v", r)
	}
}
