package huawei

import "strings"

// latest is the version that each function has.
const latest = "latest"

// urnOf returns the URN of a function. project is its project's ID.
func urnOf(project, name string) string {
	return strings.Join([]string{"urn:fss", region, project, "function", defaultPackage, name, latest}, ":")
}

// nameIn returns the name of the function in a URN, with or without the version. The
// region and the project may be any.
func nameIn(urn string) (string, error) {
	part := strings.Split(urn, ":")
	if len(part) < 7 || len(part) > 8 || part[0] != "urn" || part[1] != "fss" || part[4] != "function" {
		return "", errParameter.because("%q: expected a function_urn such as %s.", urn, urnOf(project, "hello"))
	}
	if part[5] != defaultPackage {
		return "", errNoFunction.because("%q: the local platform has only the package %q.", part[5], defaultPackage)
	}
	if len(part) == 8 && part[7] != latest {
		if alias, ok := strings.CutPrefix(part[7], "!"); ok {
			return "", errNoAlias.because("%q: the local platform has no aliases.", alias)
		}
		return "", errNoVersion.because("%q: the local platform has only the version %q.", part[7], latest)
	}
	return part[6], nil
}
