package sdkaws

import (
	"os"
	"os/exec"
	"testing"
)

// AWS's SDK for JavaScript. npm must have installed it.
func TestNode(t *testing.T) {
	cmd := exec.Command("node", "--test", "--test-reporter=spec", "lambda.test.mjs")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL_LAMBDA="+endpoint, "ZIP="+zipFile)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
