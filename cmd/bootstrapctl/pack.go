package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/cmd/bootstrapctl/internal/pack"
	"bootstrap/protocol"
)

const packText = `Write the zip to upload: the files of a folder, and the runtime, with the name bootstrap.
Programs and scripts are made executable. .git and the files that .bootstrapignore lists (in the
syntax of .gitignore) are left out. The same files make the same zip, byte for byte. pack first
checks the files as doctor does.`

// A packing holds the flags of pack.
type packing struct {
	deployment
	dir, output string
	fix, force  bool
	layer       bool
}

// packFolder is the subcommand pack.
func packFolder(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var k packing
	flags := newFlags("pack", "[flags] [DIR]", packText, stderr)
	k.flags(flags)
	flags.StringVar(&k.output, "o", "", "the zip to write (default: FOLDER.zip)")
	flags.BoolVar(&k.fix, "fix", false, "replace Windows line ends (CRLF) of scripts by Unix ones and remove byte order marks, only in the zip")
	flags.BoolVar(&k.force, "force", false, "write the zip even if doctor finds errors")
	flags.BoolVar(&k.layer, "layer", false, "write a layer for Lambda: the runtime alone, for functions without a bootstrap")
	rest, status, ok := parse(flags, args)
	if !ok {
		return status
	}
	platform, err := k.check()
	dir, err2 := singleArgument(rest, ".")
	if err := joinLines(err, err2, k.find(dir)); err != nil {
		fmt.Fprintf(stderr, "bootstrapctl pack: %v\n", err)
		return exitUsage
	}
	if err := k.run(ctx, platform, newPainter(stdout), newPainter(stderr)); err != nil {
		fmt.Fprintf(stderr, "bootstrapctl pack: %v\n", err)
		return exitFailure
	}
	return exitResult
}

// find checks the folder, and names the zip after it.
func (k *packing) find(dir string) error {
	k.dir = dir
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("cannot read %s: expected a folder: %w", dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("cannot pack %s: expected a folder", dir)
	}
	if k.output == "" {
		k.output, err = zipName(dir)
	}
	return err
}

// zipName returns the default name of the zip of a folder.
func zipName(dir string) (string, error) {
	absolute, err := filepath.Abs(dir)
	return filepath.Base(absolute) + ".zip", err
}

// readFolder reads a folder without the zips that pack writes.
func readFolder(dir string, outputs ...string) (*pack.Tree, error) {
	name, err := zipName(dir)
	if err != nil {
		return nil, err
	}
	return pack.ReadFolder(dir, append(outputs, filepath.Join(dir, name))...)
}

var errRefused = errors.New("the function cannot work: correct the errors above, or pack it anyway with -force")

func (k *packing) run(ctx context.Context, platform *protocol.Platform, out, log *painter) error {
	date, err := pack.Date(os.Getenv)
	if err != nil {
		return err
	}
	if k.layer {
		return k.writeLayer(out, date)
	}
	tree, err := k.read()
	if err != nil {
		return err
	}
	report, err := k.examine(ctx, tree, platform)
	if err != nil {
		return err
	}
	printFindings(out, report)
	if report.Count(doctor.Error) > 0 && !k.force {
		fmt.Fprintln(out)
		return errRefused
	}
	size, err := tree.WriteFile(k.output, date, progress(log, tree.Size()))
	if err != nil {
		return err
	}
	if len(report.Findings) > 0 {
		fmt.Fprintln(out)
	}
	k.summary(out, tree, size, report, platform)
	return nil
}

// read reads the folder, and adds the runtime unless the folder has another
// program of that name.
func (k *packing) read() (*pack.Tree, error) {
	tree, err := readFolder(k.dir, k.output, k.output+".part")
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", k.dir, err)
	}
	if own := tree.File("bootstrap"); own == nil || doctor.IsRuntime(own) {
		if err := k.addRuntime(tree); err != nil {
			return nil, err
		}
	}
	if k.fix {
		return tree, tree.Fix()
	}
	return tree, nil
}

func (k *packing) addRuntime(tree *pack.Tree) error {
	program := carriedRuntime(k.arch)
	if program == nil {
		return fmt.Errorf("this bootstrapctl carries no runtime for %s: build it with make", k.arch)
	}
	tree.Add("bootstrap", 0o755, program)
	return nil
}

// writeLayer writes a zip with the runtime alone, which Lambda unpacks to /opt.
func (k *packing) writeLayer(out *painter, date time.Time) error {
	tree := &pack.Tree{}
	if err := k.addRuntime(tree); err != nil {
		return err
	}
	size, err := tree.WriteFile(k.output, date, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s  (a layer for %s, %s)\n", out.dim("wrote"), out.green(k.output), k.arch, doctor.Size(size))
	return nil
}

func (k *packing) examine(ctx context.Context, tree *pack.Tree, platform *protocol.Platform) (*doctor.Report, error) {
	temp, err := os.MkdirTemp("", "bootstrapctl-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a folder: %w", err)
	}
	defer os.RemoveAll(temp)
	return doctor.Examine(ctx, k.function(tree, platform), temp), nil
}

// large is the size, in bytes, from which a terminal shows the progress.
const large = 8 << 20

// progress returns a function that shows how much is packed, or nil if it should
// not be shown.
func progress(p *painter, total int64) func(done int64) {
	if !p.terminal || total < large {
		return nil
	}
	last := int64(-1)
	return func(done int64) {
		if percent := done * 100 / total; percent != last {
			last = percent
			fmt.Fprintf(p, "\rpacking %3d%% of %s", percent, doctor.Size(total))
		}
		if done >= total {
			fmt.Fprint(p, "\r\x1b[K")
		}
	}
}

// summary prints the size of the zip, what it runs, and how to upload it.
func (k *packing) summary(p *painter, tree *pack.Tree, size int64, report *doctor.Report, platform *protocol.Platform) {
	for _, f := range doctor.PackedSize(platform.Name, size) {
		printFindings(p, &doctor.Report{Findings: []doctor.Finding{f}})
	}
	upload, unpacked := doctor.Limits(platform.Name)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(p, "%s %s\n", p.dim(fmt.Sprintf("%-9s", name)), fmt.Sprintf(format, args...))
	}
	files := plural(len(tree.Files), "file")
	if tree.Left > 0 {
		files += fmt.Sprintf(", %d left out", tree.Left)
	}
	row("wrote", "%s  (%s)", p.green(k.output), files)
	row("size", "%s of %s packed, %s of %s unpacked", doctor.Size(size), doctor.Size(upload), doctor.Size(tree.Size()), doctor.Size(unpacked))
	row("platform", "%s, %s", platform.Title, k.arch)
	if report.Runs != "" {
		row("runs", "%s, by %s", report.Runs, report.By)
	}
	row("upload", "%s", strings.ReplaceAll(k.upload(platform), "\n", "\n"+strings.Repeat(" ", 10)))
}

// upload returns the command that uploads the zip to an existing function.
func (k *packing) upload(platform *protocol.Platform) string {
	name, file := strings.TrimSuffix(filepath.Base(k.output), ".zip"), quote(k.output)
	switch platform.Name {
	case protocol.Lambda.Name:
		return fmt.Sprintf("aws lambda update-function-code --function-name %s --zip-file %s", quote(name), quote("fileb://"+k.output))
	case protocol.SCF.Name:
		format := fmt.Sprintf(`{"FunctionName": "%s", "Handler": "%s", "ZipFile": "%%s"}`, name, k.handler)
		return fmt.Sprintf(`printf %s "$(base64 <%s | tr -d '\n')" >update.json`, quote(format), file) +
			"\ntccli scf UpdateFunctionCode --cli-input-json file://update.json"
	}
	return "in the console: Code > Upload > Local ZIP, " + file
}
