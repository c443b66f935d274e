package integration

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeployScript runs examples/deploy/scf.py with a stand-in for the vendor's
// SDK: it creates the function or updates it, waits for it, and prints its
// answer.
func TestDeployScript(t *testing.T) {
	const invoked = `"Invoke": [{"Result": {"RetMsg": "{\"name\": \"Ada\"}", "Log": "event: Ada", "InvokeResult": %, "ErrMsg": "wrong"}}]`
	good, bad := strings.Replace(invoked, "%", "0", 1), strings.Replace(invoked, "%", "-1", 1)
	for name, test := range map[string]struct {
		answers string
		calls   []string
		stdout  string
		status  int
	}{
		"new": {`{"CreateFunction": [{}], "GetFunction": [{"Status": "Creating"}, {"Status": "Active"}], ` + good + `}`,
			[]string{"client id ap-guangzhou", "CreateFunction", "GetFunction", "GetFunction", "Invoke"}, `{"name": "Ada"}`, 0},
		"there": {`{"CreateFunction": [{"Error": "ResourceInUse.Function"}], "UpdateFunctionCode": [{}], "GetFunction": [{"Status": "Active"}], ` + good + `}`,
			[]string{"client", "CreateFunction", "UpdateFunctionCode", "GetFunction", "Invoke"}, `{"name": "Ada"}`, 0},
		"refused": {`{"CreateFunction": [{"Error": "InvalidParameterValue.Runtime"}]}`, []string{"client", "CreateFunction"}, "", 1},
		"broken":  {`{"CreateFunction": [{}], "GetFunction": [{"Status": "CreateFailed"}]}`, []string{"client", "CreateFunction", "GetFunction"}, "", 1},
		"failed": {`{"CreateFunction": [{}], "GetFunction": [{"Status": "Active"}], ` + bad + `}`,
			[]string{"client", "CreateFunction", "GetFunction", "Invoke"}, `{"name": "Ada"}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			archive := filepath.Join(t.TempDir(), "function.zip")
			if err := os.WriteFile(archive, []byte("PK\x00\xff"), 0o644); err != nil {
				t.Fatal(err)
			}
			stand, err := filepath.Abs("testdata")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("python3", "../examples/deploy/scf.py", archive)
			cmd.Env = append(os.Environ(), "PYTHONPATH="+stand, "PYTHONDONTWRITEBYTECODE=1", "ANSWERS="+test.answers,
				"TENCENTCLOUD_SECRET_ID=id", "TENCENTCLOUD_SECRET_KEY=key", "TENCENTCLOUD_REGION=ap-guangzhou")
			stdout, stderr, status := output(t, cmd)
			if strings.TrimSpace(stdout) != test.stdout || status != test.status {
				t.Errorf("got %q, status %d, %s", stdout, status, stderr)
			}
			rest := stderr
			for _, call := range test.calls {
				_, after, found := strings.Cut(rest, call)
				if !found {
					t.Errorf("got %s\nwant the calls %q", stderr, test.calls)
				}
				rest = after
			}
			if code := base64.StdEncoding.EncodeToString([]byte("PK\x00\xff")); !strings.Contains(stderr, `"Code": {"ZipFile": "`+code+`"}`) {
				t.Errorf("the code is not in %s", stderr)
			}
		})
	}
}
