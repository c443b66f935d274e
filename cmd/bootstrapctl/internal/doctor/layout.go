package doctor

import (
	"slices"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/pack"
)

// checkLayout checks the top of a zip. It does not report files that are
// missing from a folder, because pack adds them.
func (x *exam) checkLayout() {
	if x.Tree.File("scf_bootstrap") != nil && (!x.isZip() || x.Tree.File("bootstrap") != nil) {
		x.add("scf-bootstrap-too", "scf_bootstrap")
	}
	for _, f := range x.Tree.Files {
		if strings.HasPrefix(f.Name, ".git/") {
			x.add("git", ".git")
			break
		}
	}
	switch {
	case len(x.Tree.Files) == 0 && len(x.Tree.Problems) == 0:
		x.add("empty", "")
	case x.isZip() && x.Tree.File("bootstrap") == nil:
		x.reportMissing()
	}
}

// reportMissing adds the finding that explains why a zip has no bootstrap at its
// top.
func (x *exam) reportMissing() {
	if folder, ok := x.outerFolder(); ok {
		x.add("outer-folder", folder+"/", "folder", folder)
		return
	}
	for _, f := range x.Tree.Files {
		if strings.EqualFold(f.Name, "bootstrap") || strings.EqualFold(f.Name, "bootstrap.exe") {
			x.add("bootstrap-case", f.Name)
			return
		}
	}
	if x.Tree.File("scf_bootstrap") != nil {
		x.add("scf-bootstrap", "scf_bootstrap")
		return
	}
	if slices.ContainsFunc(x.Tree.Problems, func(p pack.Problem) bool { return strings.HasSuffix(p.Name, "bootstrap") }) {
		return // another finding says that it could not be unpacked
	}
	x.add("bootstrap-missing", "bootstrap")
}

// outerFolder returns the folder that holds all files of the zip.
func (x *exam) outerFolder() (folder string, found bool) {
	for _, f := range x.Tree.Files {
		top, _, nested := strings.Cut(f.Name, "/")
		if !nested || folder != "" && top != folder {
			return "", false
		}
		folder = top
	}
	return folder, folder != "" && x.Tree.File(folder+"/bootstrap") != nil
}

// checkNames finds names that not every file system can hold.
func (x *exam) checkNames() {
	seen := map[string]string{}
	for _, f := range x.Tree.Files {
		lower := strings.ToLower(f.Name)
		if other, ok := seen[lower]; ok {
			x.add("case", f.Name, "other", other)
		}
		seen[lower] = f.Name
	}
}
