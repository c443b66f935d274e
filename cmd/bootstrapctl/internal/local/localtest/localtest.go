// Package localtest makes clouds for tests. Their functions run the test program itself
// as the runtime.
package localtest

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"runtime"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/cmd/bootstrapctl/internal/local"
)

// runtimeArgument makes the test program the runtime.
const runtimeArgument = "localtest-runtime"

// Main is for TestMain. It runs the tests, or the runtime.
func Main(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == runtimeArgument {
		serve()
		return
	}
	os.Exit(m.Run())
}

// New returns a cloud, which is closed at the end of the test. Options that are not set
// get values for tests.
func New(t testing.TB, o local.Options) *local.Cloud {
	t.Helper()
	if o.Runtime == nil {
		o.Runtime = Runtime
	}
	if o.Temp == "" {
		o.Temp = t.TempDir()
	}
	if o.Examine == nil {
		o.Examine = func(ctx context.Context, fn doctor.Function) *doctor.Report {
			fn.Arch = runtime.GOARCH
			return doctor.Examine(ctx, fn, t.TempDir())
		}
	}
	cloud := local.New(o)
	t.Cleanup(func() { cloud.Close() })
	return cloud
}

// Runtime returns the test program as the runtime of any folder.
func Runtime(string) ([]string, error) {
	program, err := os.Executable()
	return []string{program, runtimeArgument}, err
}

// Zip returns a package whose bootstrap is the test program.
func Zip(t testing.TB) []byte {
	t.Helper()
	command, err := Runtime("")
	if err != nil {
		t.Fatal(err)
	}
	return ZipOf(t, "bootstrap", "#!/bin/sh\nexec '"+command[0]+"' "+command[1]+"\n", 0o755)
}

// ZipOf returns a package with one file.
func ZipOf(t testing.TB, name, content string, mode os.FileMode) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	header.SetMode(mode)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Until waits until a condition is true.
func Until(t testing.TB, condition func() bool) {
	t.Helper()
	for began := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatal("it did not come true within 20 s")
		}
	}
}
