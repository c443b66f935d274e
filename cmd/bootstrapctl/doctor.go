package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/cmd/bootstrapctl/internal/pack"
	"bootstrap/cmd/internal/version"
	"bootstrap/protocol"
)

const doctorText = `Check whether the function in a folder or a zip works on a platform. For each problem, print
the error that the platform would show, and what to do. The exit status is 1 if the function
cannot work. The function does not run unless -measure is set.`

// diagnose is the subcommand doctor.
func diagnose(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var d deployment
	flags := newFlags("doctor", "[flags] [DIR | ZIP]", doctorText, stderr)
	d.flags(flags)
	asJSON := flags.Bool("json", false, "print the findings as JSON")
	measure := flags.Bool("measure", false, "run the function once, to compare the duration of its start with the time limit")
	rest, status, ok := parse(flags, args)
	if !ok {
		return status
	}
	platform, err := d.check()
	file, err2 := singleArgument(rest, ".")
	if err := joinLines(err, err2); err != nil {
		fmt.Fprintf(stderr, "bootstrapctl doctor: %v\n", err)
		return exitUsage
	}
	report, err := examineFile(ctx, file, &d, platform, *measure)
	if err != nil {
		fmt.Fprintf(stderr, "bootstrapctl doctor: %v\n", err)
	}
	if report == nil {
		return exitUsage
	}
	if *asJSON {
		err = cmp.Or(err, printJSON(stdout, report))
	} else {
		printReport(newPainter(stdout), file, report, &d, platform)
	}
	if err != nil || report.Count(doctor.Error) > 0 {
		return exitFailure
	}
	return exitResult
}

// joinLines returns an error with each of the errors on a line of its own.
func joinLines(errs ...error) error {
	var text []string
	for _, err := range errs {
		if err != nil {
			text = append(text, err.Error())
		}
	}
	if text == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(text, "\n"))
}

// examineFile reads a folder or a zip and examines it. If only the start cannot be
// measured, it returns a report and an error, as the report may say why.
func examineFile(ctx context.Context, file string, d *deployment, platform *protocol.Platform, measure bool) (*doctor.Report, error) {
	temp, err := os.MkdirTemp("", "bootstrapctl-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a folder: %w", err)
	}
	defer os.RemoveAll(temp)
	tree, err := readPackage(file, temp)
	if err != nil {
		return nil, err
	}
	fn := d.function(tree, platform)
	if measure {
		fn.Started, err = measureStart(ctx, tree.Dir, d, platform)
	}
	return doctor.Examine(ctx, fn, temp), err
}

// readPackage reads a folder, or unpacks a zip into a new folder in temp and reads
// that.
func readPackage(file, temp string) (*pack.Tree, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: expected a folder or a zip: %w", file, err)
	}
	if info.IsDir() {
		return readFolder(file)
	}
	dir := filepath.Join(temp, "package")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot unpack %s: %w", file, err)
	}
	return pack.ReadZip(file, dir)
}

// function returns the function that package doctor examines.
func (d *deployment) function(tree *pack.Tree, platform *protocol.Platform) doctor.Function {
	return doctor.Function{
		Tree: tree, Platform: platform, Handler: d.handler, Env: d.env, Arch: d.arch, Limit: d.timeout,
		Carried: carriedRuntime, Version: version.String(), Look: findInterpreter, Check: checkOptions,
	}
}

// findInterpreter finds an interpreter on this machine to parse scripts. It refuses
// the shells of macOS, which are older than those of the platforms, and those of
// Windows, which do not understand its paths.
func findInterpreter(name string) (string, error) {
	if runtime.GOOS != "linux" && (name == "bash" || name == "sh") {
		return "", fmt.Errorf("the %s of this system differs from that of the platform", name)
	}
	return exec.LookPath(name)
}

func printJSON(w io.Writer, report *doctor.Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		*doctor.Report
		Errors   int `json:"errors"`
		Warnings int `json:"warnings"`
	}{report, report.Count(doctor.Error), report.Count(doctor.Warning)})
}

// printReport prints a report for people.
func printReport(p *painter, file string, report *doctor.Report, d *deployment, platform *protocol.Platform) {
	fmt.Fprintf(p, "%s on %s, %s\n", p.bold(file), platform.Title, d.arch)
	if report.Runs != "" {
		fmt.Fprintf(p, "%s runs %s\n", report.By, report.Runs)
	}
	printFindings(p, report)
	errors, warnings := report.Count(doctor.Error), report.Count(doctor.Warning)
	switch {
	case errors > 0:
		fmt.Fprintf(p, "\n%s\n", p.red(fmt.Sprintf("✗ %s, %s: the function cannot work.", plural(errors, "error"), plural(warnings, "warning"))))
	case warnings > 0:
		fmt.Fprintf(p, "\n%s\n", p.yellow(fmt.Sprintf("! No error, %s.", plural(warnings, "warning"))))
	default:
		fmt.Fprintf(p, "\n%s\n", p.green("✓ Nothing is wrong."))
	}
}

// printFindings prints the findings, and the list of skipped checks.
func printFindings(p *painter, report *doctor.Report) {
	columns := 0
	for _, f := range report.Findings {
		columns = min(max(columns, utf8.RuneCountInString(f.File)), maxName)
	}
	for _, f := range report.Findings {
		if p.terminal {
			printFinding(p, &f, columns)
		} else {
			fmt.Fprintf(p, "\n%s: %s[%s]\n", f.Level, sentence(f.File, f.What), f.ID)
		}
		printLine(p, "cloud", f.Cloud)
		printLine(p, "fix", f.Fix)
	}
	for _, text := range report.Skipped {
		fmt.Fprintf(p, "\n%s\n", p.dim(p.wrap("not examined: "+text, 2)))
	}
}

// sentence returns the file, if any, the text of its finding, and a space.
func sentence(file, what string) string {
	if file != "" {
		file += ": "
	}
	return file + what + " "
}

// maxName is the greatest width of the column with the names of files.
const maxName = 40

// printFinding prints the first lines of a finding to a terminal, with the file
// names in columns.
func printFinding(p *painter, f *doctor.Finding, columns int) {
	sign := p.red("✗ error  ")
	if f.Level == doctor.Warning {
		sign = p.yellow("! warning")
	}
	fmt.Fprintf(p, "\n%s  %s  %s\n  %s\n", sign, p.bold(fmt.Sprintf("%-*s", columns, f.File)), p.dim(f.ID), p.wrap(f.What, 2))
}

func printLine(p *painter, name, text string) {
	switch {
	case text == "":
	case p.terminal:
		fmt.Fprintf(p, "  %s %s\n", p.dim(fmt.Sprintf("%-5s", name)), p.wrap(text, 8))
	default:
		fmt.Fprintf(p, "    %-6s %s\n", name+":", text)
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
