package store

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"strings"

	"crmsync/internal/advice"
)

// CauseKey is what dead letters and outages with the same cause have in common. It holds no value.
type CauseKey struct {
	System string // salesforce, monday, crmsync
	Code   string
	Object string // may be empty
	Field  string // may be empty
	Reason string // if the code says too little
}

// Codes of dead letters that no attempt explains.
const (
	codeRescued   = "RESCUED"
	codeCancelled = "CANCELLED"
	codeUnknown   = "ERROR"
)

// vague are the codes that stand for many different reasons.
var vague = map[string]bool{codeUnknown: true, "UNREADABLE": true, "PANIC": true}

// ID returns the cause's stable, short id.
func (k CauseKey) ID() string {
	text := strings.Join([]string{k.System, k.Code, k.Object, k.Field, k.Reason}, "\x00")
	sum := sha256.Sum256([]byte(text))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5])) // eight characters
}

// Advice returns what is known of the cause's code; Code is empty if the code is unknown.
func (k CauseKey) Advice() advice.Entry {
	entry, _ := advice.Of(k.System, k.Code)
	return entry
}

// String names the cause without any value, such as "Lead.Email: INVALID_EMAIL_ADDRESS" or "monday, board 1001:
// UserUnauthorized".
func (k CauseKey) String() string {
	what, reason := k.Object, k.Reason
	if k.Field != "" {
		what += "." + k.Field
	}
	if part, isPart := strings.CutPrefix(k.Reason, outageReason); isPart {
		what, reason = k.System+strings.Replace(part, " of ", ", ", 1), ""
	}
	if what == "" {
		what = k.System
	}
	if reason != "" {
		return what + ": " + k.Code + ": " + reason
	}
	return what + ": " + k.Code
}

// evidence is what is known of why a job failed for good.
type evidence struct {
	reason                              string // River's
	system, code, object, field, detail string // of the last failed attempt; empty: there was none
}

// key returns the cause that the evidence points to.
func (e evidence) key() CauseKey {
	switch {
	case strings.Contains(e.reason, "rescued by Rescuer"):
		return CauseKey{System: advice.Own, Code: codeRescued}
	case e.code == "" && strings.HasPrefix(e.reason, "cancelled"):
		return CauseKey{System: advice.Own, Code: codeCancelled}
	case e.code == "":
		return CauseKey{System: advice.Own, Code: codeUnknown, Reason: generalReason(e.reason)}
	}
	k := CauseKey{System: e.system, Code: e.code, Object: e.object, Field: e.field}
	if k.System == "" {
		k.System = advice.SystemOf(e.code)
	}
	if vague[e.code] {
		k.System, k.Reason = advice.Own, generalReason(e.detail)
	}
	return k
}

const outageReason = "outage"

// outageKey returns the cause of an outage of a system, or of a part of it.
func outageKey(system, part, code string) CauseKey {
	k := CauseKey{System: system, Code: code, Reason: outageReason}
	if part != "" {
		k.Reason += " of " + part
	}
	return k
}

// longestReason is the maximum length of a reason: beyond it, texts differ only in irrelevant details.
const longestReason = 160

var (
	quoted = regexp.MustCompile("\"[^\"]*\"|'[^']*'|`[^`]*`")
	word   = regexp.MustCompile(`[0-9A-Za-z]+([._-]+[0-9A-Za-z]+)*`)

	// individual words are numbers, also with a unit, Ids of Salesforce, UUIDs and digests. Names such as UTF-8 and
	// base64 are not.
	individual = regexp.MustCompile(`^([0-9].*|[0-9A-Za-z]{15}([0-9A-Za-z]{3})?|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|` +
		`[0-9a-fA-F]{16,})$`)
	digit  = regexp.MustCompile(`[0-9]`)
	digits = regexp.MustCompile(`[0-9]{5,}`) // within a name
)

// generalReason removes from a reason what differs between events: quotations, numbers and Ids.
func generalReason(reason string) string {
	reason = quoted.ReplaceAllString(reason, "…")
	reason = word.ReplaceAllStringFunc(reason, func(w string) string {
		if digit.MatchString(w) && individual.MatchString(w) {
			return "#"
		}
		return digits.ReplaceAllString(w, "#")
	})
	reason = strings.Join(strings.Fields(reason), " ")
	if letters := []rune(reason); len(letters) > longestReason {
		reason = string(letters[:longestReason])
	}
	return reason
}
