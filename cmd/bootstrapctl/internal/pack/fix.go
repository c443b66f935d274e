package pack

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
)

const maxScript = 4 << 20 // bytes of a script that is corrected

var (
	byteOrderMark = []byte("\xef\xbb\xbf")
	scriptTypes   = []string{".sh", ".bash", ".py", ".js", ".mjs", ".cjs"}
)

// Fix changes the line ends of scripts to LF and removes their byte order marks, in
// the package, not in the folder.
func (t *Tree) Fix() error {
	for _, f := range t.Files {
		if !f.Mode.IsRegular() || f.Size > maxScript {
			continue
		}
		if err := f.fix(); err != nil {
			return fmt.Errorf("cannot correct %s: %w", f.Name, err)
		}
	}
	return nil
}

func (f *File) fix() error {
	head, err := f.Head(5)
	if err != nil || !bytes.HasPrefix(bytes.TrimPrefix(head, byteOrderMark), []byte("#!")) && !slices.Contains(scriptTypes, path.Ext(f.Name)) {
		return err
	}
	content, err := f.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	f.Replace(bytes.ReplaceAll(bytes.TrimPrefix(text, byteOrderMark), []byte("\r\n"), []byte("\n")))
	return nil
}
