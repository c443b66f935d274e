// Package examples runs the examples that need what is not on every machine: npm
// and a network for Deno, and PHP. It uses bin/bootstrapctl, which make builds.
package examples

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// copied returns a folder with a copy of the examples, and the environment in
// which bootstrapctl is found.
func copied(t *testing.T) (root string, env []string) {
	t.Helper()
	bin, err := filepath.Abs("../../bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "bootstrapctl")); err != nil {
		t.Fatalf("%v: run make first", err)
	}
	root = t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "examples"), os.DirFS("../../examples")); err != nil {
		t.Fatal(err)
	}
	return root, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
}

func shell(root string, env []string, line string) (stdout, stderr string, err error) {
	cmd := exec.Command("sh", "-c", line)
	var out, log bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = root, env, &out, &log
	err = cmd.Run()
	return out.String(), log.String(), err
}

// TestReadmes runs the commands of each README, and packs the folder: each
// invocation greets Ada.
func TestReadmes(t *testing.T) {
	root, env := copied(t)
	for name, flags := range map[string]string{"deno": "-platform lambda", "php": ""} {
		text, err := os.ReadFile(filepath.Join(root, "examples", name, "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^    (\S.*)$`).FindAllSubmatch(text, -1) {
			command := string(m[1])
			stdout, stderr, err := shell(root, env, command)
			if err != nil || strings.Contains(command, "invoke") && !greets(stdout) {
				t.Errorf("%s: got %v, %q, %s", command, err, stdout, stderr)
			}
		}
		if stdout, stderr, err := shell(root, env, "bootstrapctl pack "+flags+" examples/"+name); err != nil || strings.Contains(stdout, "error:") {
			t.Errorf("%s: pack: got %v, %s%s", name, err, stdout, stderr)
		}
	}
}

func greets(result string) bool {
	var answer struct {
		StatusCode int
		Body       string
	}
	err := json.Unmarshal([]byte(result), &answer)
	return err == nil && answer.StatusCode == 200 && strings.Contains(answer.Body, "Hello, Ada!")
}
