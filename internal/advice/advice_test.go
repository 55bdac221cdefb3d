package advice_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/advice"
)

var update = flag.Bool("update", false, "write docs/errors.md")

// TestTable checks every entry: two texts of whole sentences, and one entry per code.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, e := range advice.Table() {
		if found, known := advice.Of(e.System, e.Code); !known || found != e {
			t.Errorf("%s %s: found %+v", e.System, e.Code, found)
		}
		name := e.System + " " + strings.ToLower(strings.ReplaceAll(e.Code, "_", ""))
		if seen[name] {
			t.Errorf("%s %s has two entries", e.System, e.Code)
		}
		seen[name] = true
		for _, text := range []string{e.Means, e.Do} {
			if !strings.HasSuffix(text, ".") || strings.TrimSpace(text) != text || strings.Contains(text, "  ") || len(text) < 15 ||
				strings.Count(text, "`")%2 != 0 || strings.Contains(text, "|") {
				t.Errorf("%s %s: %q is not a sentence", e.System, e.Code, text)
			}
		}
		if !strings.HasSuffix(e.Means, ".") || strings.Count(e.Means, ". ") > 0 {
			t.Errorf("%s %s: %q is more than a sentence", e.System, e.Code, e.Means)
		}
	}
	if len(seen) < 80 {
		t.Errorf("only %d entries", len(seen))
	}
}

// TestAdvice checks the advice for important codes.
func TestAdvice(t *testing.T) {
	t.Parallel()
	tests := map[string]map[string]string{
		advice.Salesforce: {
			"REQUIRED_FIELD_MISSING": "default", "FIELD_CUSTOM_VALIDATION_EXCEPTION": "rule", "FIELD_INTEGRITY_EXCEPTION": "country",
			"FIELD_FILTER_VALIDATION_EXCEPTION": "lookup filter", "STRING_TOO_LONG": "longer", "INVALID_EMAIL_ADDRESS": "e-mail",
			"NUMBER_OUTSIDE_VALID_RANGE": "digits", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "picklist", "MALFORMED_ID": "Correct the Id",
			"DUPLICATES_DETECTED": "on_duplicate", "DUPLICATE_VALUE": "unique", "DUPLICATE_EXTERNAL_ID": "external ID",
			"INVALID_CROSS_REFERENCE_KEY": "refers to", "ENTITY_IS_DELETED": "deleted",
			"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "shared", "INSUFFICIENT_ACCESS_OR_READONLY": "permission set",
			"INACTIVE_OWNER_OR_USER": "activate the user", "ENTITY_IS_LOCKED": "approval", "UNABLE_TO_LOCK_ROW": "replay",
			"CANNOT_UPDATE_CONVERTED_LEAD": "converted", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "debug log",
			"CANNOT_EXECUTE_FLOW_TRIGGER": "flow", "INVALID_FIELD": "check --live", "INVALID_TYPE": "check --live",
			"STORAGE_LIMIT_EXCEEDED": "storage is full", "REQUEST_LIMIT_EXCEEDED": "System Overview", "UNREACHABLE": "SALESFORCE_LOGIN_URL",
			"TIMEOUT": "status.salesforce.com", "UNSUPPORTED_API_VERSION": "SALESFORCE_API_VERSION", "FOREIGN_HOST": "SALESFORCE_INSTANCE_HOSTS",
			"invalid_grant": "run-as user", "invalid_client": "SALESFORCE_CLIENT_SECRET", "API_DISABLED_FOR_ORG": "API Enabled",
			"INVALID_SESSION_ID": "IP ranges",
		},
		advice.Monday: {
			"ColumnValueException": "column", "InvalidColumnIdException": "check --live", "USER_UNAUTHORIZED": "access to the board",
			"NOT_AUTHENTICATED": "MONDAY_API_TOKEN", "InvalidVersionException": "MONDAY_API_VERSION", "DAILY_LIMIT_EXCEEDED": "00:00 UTC",
			"missingRequiredPermissions": "boards:write", "UNREACHABLE": "MONDAY_API_URL", "ItemsLimitationException": "full",
			"ResourceNotFoundException": "does not exist any more",
		},
		advice.Own: {
			"UNMAPPED_LABEL": "labels in the mapping", "MULTIPLE_MATCHES": "Merge them", "WRONG_OBJECT": "another object",
			"INVALID_PHONE": "phone_country", "UNREADABLE": "webhook's secret", "RESCUED": "died or was killed", "PANIC": "error_logs",
			"NO_SUCH_RECORD": "no record", "SHOWN_ID_REFUSED": "adopt_shown",
		},
	}
	for system, codes := range tests {
		for code, want := range codes {
			e, known := advice.Of(system, code)
			if !known || !strings.Contains(e.Text(), want) {
				t.Errorf("%s %s: %q, want it to contain %q", system, code, e.Text(), want)
			}
		}
	}
	if e, known := advice.Of(advice.Salesforce, "SOMETHING_NEW"); known || e.Text() != "" {
		t.Errorf("advice on an unknown code: %+v", e)
	}
}

func TestSystemOf(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"UNMAPPED_LABEL": advice.Own, "INVALID_EMAIL_ADDRESS": advice.Salesforce, "SOMETHING_NEW": advice.Salesforce,
		"FIELD_NEW_EXCEPTION": advice.Salesforce, "ColumnValueException": advice.Monday, "SomethingNewException": advice.Monday,
	} {
		if got := advice.SystemOf(code); got != want {
			t.Errorf("%s is of %s, want %s", code, got, want)
		}
	}
}

// TestDocs compares docs/errors.md with the table. With -update it writes the page.
func TestDocs(t *testing.T) {
	t.Parallel()
	const page = "../../docs/errors.md"
	want := document()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/errors.md differs from the table; run go test ./internal/advice -run TestDocs -update (-want +got):\n%s", diff)
	}
}

// document returns the text of docs/errors.md.
func document() string {
	var b strings.Builder
	b.WriteString(head)
	titles := map[string]string{advice.Salesforce: "Salesforce", advice.Monday: "Monday", advice.Own: "crmsync"}
	for _, system := range []string{advice.Salesforce, advice.Monday, advice.Own} {
		b.WriteString("\n## " + titles[system] + "\n\n| code | means | what to do |\n| --- | --- | --- |\n")
		for _, e := range advice.Table() {
			if e.System == system {
				b.WriteString("| `" + e.Code + "` | " + e.Means + " | " + e.Do + " |\n")
			}
		}
	}
	return b.String()
}

const head = `# Error codes

What the codes in ` + "`error_logs`" + `, alerts, the console and ` + "`crmsync errors`" + ` mean, and what to do about each. This page is
generated from the table that all of them read; a test holds it to that table.

Dead letters and outages with the same system, code, object, field and reason have one *cause*. ` + "`crmsync errors`" + ` lists the
causes that are open, with how many events each has stopped. After the cause is corrected, put its events back with
` + "`crmsync replay --cause ID`" + `, or close them with ` + "`crmsync ignore --cause ID`" + ` if nothing needs to be done. A cause closes itself
once its events have succeeded.

A code that is not listed here is explained in the documentation of
[Salesforce's](https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html) and
[Monday's](https://developer.monday.com/api-reference/docs/errors) errors.
`
