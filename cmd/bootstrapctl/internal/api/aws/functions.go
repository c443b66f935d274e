package aws

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// getConfiguration describes a function.
func (c *call) getConfiguration() (reply, error) {
	f, ref, err := c.function()
	if err != nil {
		return reply{}, err
	}
	return reply{http.StatusOK, c.describe(f, ref)}, nil
}

// getFunction describes a function, its code and its tags.
func (c *call) getFunction() (reply, error) {
	f, ref, err := c.function()
	if err != nil {
		return reply{}, err
	}
	code := object{"RepositoryType": "S3"}
	if f.Describe().Zip != nil {
		code["Location"] = c.codeLink(f)
	}
	answer := object{"Configuration": c.describe(f, ref), "Code": code}
	if tags := c.notesOf(f).tags; len(tags) > 0 {
		answer["Tags"] = tags
	}
	if n := c.concurrency(f); n != nil {
		answer["Concurrency"] = n
	}
	return reply{http.StatusOK, answer}, nil
}

// listFunctions lists the functions by name, in pages.
func (c *call) listFunctions() (reply, error) {
	all := c.cloud.Functions(protocol.Lambda)
	slices.SortFunc(all, func(a, b *local.Function) int { return strings.Compare(a.Name(), b.Name()) })
	page, next, err := c.page(all)
	if err != nil {
		return reply{}, err
	}
	list := []configuration{}
	for _, f := range page {
		list = append(list, c.describe(f, reference{name: f.Name()}))
	}
	return reply{http.StatusOK, object{"Functions": list, "NextMarker": next}}, nil
}

// page returns the functions that a request asks for, and the marker of the next page:
// the name of its first function, or nil.
func (c *call) page(all []*local.Function) (page []*local.Function, next *string, err error) {
	query := c.r.URL.Query()
	n, err := strconv.Atoi(cmp.Or(query.Get("MaxItems"), "50"))
	if err != nil || n < 1 || n > 10000 {
		return nil, nil, violation(query.Get("MaxItems"), "maxItems", "Member must have value from 1 to 10000")
	}
	marker := query.Get("Marker")
	all = slices.DeleteFunc(all, func(f *local.Function) bool { return f.Name() < marker })
	if n >= len(all) {
		return all, nil, nil
	}
	name := all[n].Name()
	return all[:n], &name, nil
}

// listVersions lists the only version of a function.
func (c *call) listVersions() (reply, error) {
	f, ref, err := c.function()
	if err != nil {
		return reply{}, err
	}
	ref.qualifier = latest
	return reply{http.StatusOK, object{"Versions": []configuration{c.describe(f, ref)}, "NextMarker": nil}}, nil
}

// listAliases returns an empty list: the local platform has no aliases.
func (c *call) listAliases() (reply, error) {
	_, _, err := c.function()
	return reply{http.StatusOK, object{"Aliases": []object{}, "NextMarker": nil}}, err
}

// updateConfiguration changes the settings that a request has.
func (c *call) updateConfiguration() (reply, error) {
	f, ref, err := c.function()
	if err != nil {
		return reply{}, err
	}
	var in settingsInput
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Role != "" && !rolePattern.MatchString(in.Role) {
		return reply{}, violation(in.Role, "role", "Member must satisfy regular expression pattern: %s", rolePattern)
	}
	if err := in.check(); err != nil {
		return reply{}, err
	}
	if err := f.Configure(in.apply); err != nil {
		return reply{}, err
	}
	c.note(f, func(n *notes) { n.echoed = in.echoed.over(n.echoed) })
	return reply{http.StatusOK, c.describe(f, ref)}, nil
}

// updateCode gives a function the zip in a request.
func (c *call) updateCode() (reply, error) {
	f, ref, err := c.function()
	if err != nil {
		return reply{}, err
	}
	var in packageInput
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := in.check(); err != nil {
		return reply{}, err
	}
	if !in.DryRun {
		err = f.SetCode(local.Code{Zip: in.ZipFile})
	}
	if err != nil {
		return reply{}, err
	}
	return reply{http.StatusOK, c.describe(f, ref)}, nil
}

// deleteFunction removes a function, but not a version of it.
func (c *call) deleteFunction() (reply, error) {
	f, ref, err := c.function()
	switch {
	case err != nil:
		return reply{}, err
	case ref.qualifier == latest:
		return reply{}, invalid("%s version cannot be deleted without deleting the function.", latest)
	case ref.qualifier != "":
		return reply{}, notFound("Function not found: " + c.arn(ref))
	}
	return reply{status: http.StatusNoContent}, c.cloud.Delete(protocol.Lambda, f.Name())
}
