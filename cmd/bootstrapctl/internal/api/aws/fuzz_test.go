package aws

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// Every request gets an answer that the SDKs can read, with and without keys. No
// instance can start.
func FuzzRequest(f *testing.F) {
	files, err := filepath.Glob("testdata/requests/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatal("there are no recorded requests", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(content)))
		if err != nil || !Handles(r) {
			return
		}
		for _, keys := range [][]local.Key{nil, {{ID: "AKIDEXAMPLE", Secret: "secret"}}} {
			r, _ := http.ReadRequest(bufio.NewReader(bytes.NewReader(content)))
			x := newFixture(t, local.Options{Runtime: func(string) ([]string, error) { return []string{"/does/not/exist"}, nil }}, keys...)
			x.create(local.Settings{Name: "hello"})
			a := x.send(r)
			if a.header.Get("Content-Type") == "application/json" && a.body != "" && !json.Valid([]byte(a.body)) {
				t.Errorf("got %d %s", a.status, a.body)
			}
		}
	})
}
