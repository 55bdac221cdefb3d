package mondayclient

import (
	"context"
	"fmt"
	"strings"
)

const versionsDocument = `query { versions { kind value } complexity { after } }`

// Support is how Monday supports the version of its API that a client uses.
type Support struct {
	Version string // the client's
	Kind    string // such as current, maintenance or deprecated; empty: Monday does not list the version
	Current string // the current version
}

// IsEnding reports whether the version is an older one that will be removed.
func (s Support) IsEnding() bool { return strings.Contains(s.Kind, "maintenance") }

// IsGone reports whether Monday no longer supports the version.
func (s Support) IsGone() bool { return s.Kind == "deprecated" || s.Kind == "" }

type versionsReply struct {
	Versions []*struct {
		Kind  string `json:"kind"`
		Value string `json:"value"`
	} `json:"versions"`
}

func (r *versionsReply) rows() (int, bool) { return present(r.Versions), r.Versions != nil }

// Support asks how Monday supports the version of the API that the client uses.
//
// https://developer.monday.com/api-reference/docs/api-versioning
func (c *Client) Support(ctx context.Context) (Support, error) {
	var found versionsReply
	if err := c.ask(ctx, question{operation: "versions", document: versionsDocument}, &found); err != nil {
		return Support{}, fmt.Errorf("listing the API's versions: %w", err)
	}
	s := Support{Version: c.config.Version}
	for _, v := range found.Versions {
		if v == nil {
			continue
		}
		if v.Value == s.Version {
			s.Kind = v.Kind
		}
		if v.Kind == "current" {
			s.Current = v.Value
		}
	}
	return s, nil
}
