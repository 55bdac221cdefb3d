package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

const (
	maxParts      = 25 // subrequests of a composite request
	maxHeavyParts = 5  // collections and queries among them
)

type composite struct {
	AllOrNone bool   `json:"allOrNone"`
	Parts     []part `json:"compositeRequest"`
}

// part is a subrequest.
type part struct {
	Method      string            `json:"method"`
	URL         string            `json:"url"`
	ReferenceID string            `json:"referenceId"`
	Body        any               `json:"body"`
	Headers     map[string]string `json:"httpHeaders"`
}

type partResult struct {
	Body           any               `json:"body"`
	HTTPHeaders    map[string]string `json:"httpHeaders"`
	HTTPStatusCode int               `json:"httpStatusCode"`
	ReferenceID    string            `json:"referenceId"`
}

func (s *Sim) planComposites(r request) operation {
	switch {
	case len(r.path) > 1 && r.path[1] == "sobjects":
		return s.planCollections(r)
	case len(r.path) > 1:
		return refused(opOther, "", notFound())
	case r.method != http.MethodPost:
		return notAllowed(r, "POST")
	}
	return s.planComposite(r)
}

// planComposite plans a composite request. Its parts run in order, and each may refer to the answers of earlier ones.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite-post.html
func (s *Sim) planComposite(r request) operation {
	var c composite
	f := decode(r.body, &c)
	if f == nil {
		f = c.check()
	}
	if f != nil {
		return refused(opComposite, "", f)
	}
	op := operation{name: opComposite, run: func(x *tx) answer { return x.composite(c) }}
	for _, p := range c.Parts {
		part := s.planPart(p, nil)
		op.records, op.parts = append(op.records, part.records...), append(op.parts, part)
		op.targets = append(op.targets, part.targets...)
	}
	return op
}

func (c composite) check() *failure {
	seen, heavy := map[string]bool{}, 0
	for _, p := range c.Parts {
		switch {
		case !referenceName.MatchString(p.ReferenceID):
			return fail("INVALID_INPUT", "Provided referenceId ('%s') must start with a letter or a number, and it can "+
				"contain only letters, numbers and underscores ('_').", p.ReferenceID)
		case seen[p.ReferenceID]:
			return fail("INVALID_INPUT", "Duplicate referenceId provided: %s", p.ReferenceID)
		}
		seen[p.ReferenceID] = true
		if strings.Contains(p.URL, "/composite/sobjects") || strings.Contains(p.URL, "/query") {
			heavy++
		}
	}
	switch {
	case len(c.Parts) == 0:
		return fail("INVALID_INPUT", "compositeRequest is required")
	case len(c.Parts) > maxParts:
		return fail("LIMIT_EXCEEDED", "Limit of %d reached for: subrequests", maxParts)
	case heavy > maxHeavyParts:
		return fail("LIMIT_EXCEEDED", "Limit of %d reached for: sObject Collections and query subrequests", maxHeavyParts)
	}
	return nil
}

// composite runs the parts; with allOrNone, one failure rolls back all of them.
func (x *tx) composite(c composite) answer {
	results := make([]partResult, len(c.Parts))
	answers := map[string]any{}
	mark, culprit := len(x.undo), -1
	for i, p := range c.Parts {
		a := x.sim.planPart(p, answers).run(x)
		results[i] = a.part(p.ReferenceID)
		if a.status >= http.StatusMultipleChoices {
			if culprit = i; c.AllOrNone {
				break
			}
			continue
		}
		if a.body != nil {
			var body any
			_ = json.Unmarshal(a.json(), &body) // our own answer
			answers[p.ReferenceID] = body
		}
	}
	if c.AllOrNone && culprit >= 0 {
		x.rollback(mark)
		for i, p := range c.Parts {
			if i != culprit {
				results[i] = refusal(fail("PROCESSING_HALTED",
					"The transaction was rolled back since another operation in the same transaction failed.")).part(p.ReferenceID)
			}
		}
	}
	return answer{status: http.StatusOK, body: map[string]any{"compositeResponse": results}}
}

// planPart plans a part after replacing its references; nil answers leave them as they are.
func (s *Sim) planPart(p part, answers map[string]any) operation {
	address, body := any(p.URL), p.Body
	if answers != nil {
		var missing string
		address, missing = replaceReferences(address, answers)
		if missing == "" {
			body, missing = replaceReferences(body, answers)
		}
		if missing != "" {
			name, _, _ := strings.Cut(missing, ".")
			return refused(opOther, "", fail("PROCESSING_HALTED",
				"Invalid reference specified. No value for %s found in %s. Provided reference might not be valid.", missing, name))
		}
	}
	u, err := url.Parse(strings.ReplaceAll(address.(string), " ", "%20"))
	if err != nil || strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/composite") {
		return refused(opOther, "", notFound())
	}
	var raw []byte
	if body != nil {
		raw, _ = json.Marshal(body)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for name, value := range p.Headers {
		header.Set(name, value)
	}
	r, f := newRequest(p.Method, u, header, raw)
	if f != nil {
		return refused(opOther, "", f)
	}
	return s.plan(r)
}

var (
	referenceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_]*$`)
	reference     = regexp.MustCompile(`@\{([^}]+)\}`)
	step          = regexp.MustCompile(`[^.\[\]]+`)
)

// replaceReferences replaces @{id.path} by values of earlier answers, or returns the first missing one.
func replaceReferences(v any, answers map[string]any) (_ any, missing string) {
	switch v := v.(type) {
	case string:
		text := reference.ReplaceAllStringFunc(v, func(match string) string {
			path := match[2 : len(match)-1]
			value, ok := lookUp(answers, path)
			if !ok && missing == "" {
				missing = path
			}
			return fmt.Sprint(value)
		})
		return text, missing
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, kid := range v {
			if m[name], missing = replaceReferences(kid, answers); missing != "" {
				return nil, missing
			}
		}
		return m, ""
	case []any:
		list := make([]any, len(v))
		for i, kid := range v {
			if list[i], missing = replaceReferences(kid, answers); missing != "" {
				return nil, missing
			}
		}
		return list, ""
	}
	return v, ""
}

// lookUp follows a path such as acc.id or found.records[0].Id.
func lookUp(answers map[string]any, path string) (any, bool) {
	var v any = answers
	for _, name := range step.FindAllString(path, -1) {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, v != nil
}

func (a answer) part(referenceID string) partResult {
	result := partResult{Body: a.body, HTTPHeaders: map[string]string{}, HTTPStatusCode: a.status,
		ReferenceID: referenceID}
	if a.location != "" {
		result.HTTPHeaders["Location"] = a.location
	}
	return result
}
