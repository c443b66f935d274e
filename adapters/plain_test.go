package adapters

import (
	"os"
	"os/exec"
	"path/filepath"
)

// startPlainly makes Python and Node start without what this machine adds to
// each start, which can take longer than a test: packages that Python imports,
// and certificates that Node reads. It returns a function that cleans up.
func startPlainly() (remove func()) {
	os.Unsetenv("NODE_EXTRA_CA_CERTS")
	dir, err := os.MkdirTemp("", "plain-python-")
	if err != nil || makeEnvironment(dir) != nil {
		return func() { os.RemoveAll(dir) } // Python starts as usual
	}
	os.Setenv("PATH", dir+"/bin:"+os.Getenv("PATH"))
	return func() { os.RemoveAll(dir) }
}

// makeEnvironment makes a virtual environment for python3 that has no packages.
func makeEnvironment(dir string) error {
	path, err := exec.LookPath("python3")
	if err != nil {
		return err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	if err := os.Mkdir(dir+"/bin", 0o755); err != nil {
		return err
	}
	if err := os.Symlink(path, dir+"/bin/python3"); err != nil {
		return err
	}
	settings := "home = " + filepath.Dir(path) + "\ninclude-system-site-packages = false\n"
	return os.WriteFile(dir+"/pyvenv.cfg", []byte(settings), 0o644)
}
