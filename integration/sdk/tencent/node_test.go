package sdktencent

import (
	"os"
	"os/exec"
	"testing"
)

// Tencent Cloud's SDK for Node.js. npm must have installed it.
func TestNode(t *testing.T) {
	cmd := exec.Command("node", "--test", "--test-reporter=spec", "scf.test.mjs")
	cmd.Env = append(os.Environ(), "ENDPOINT="+endpoint, "ZIP="+zipFile, "SECRET_ID="+secretID, "SECRET_KEY="+secretKey)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
