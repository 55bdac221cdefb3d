package app

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"crmsync/schema/postgres"
	"crmsync/worker/alert"
)

// UsageError is a fault of the caller: in the arguments, the environment or the mapping.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Environment reads variables and collects their problems.
type Environment struct {
	getenv   func(string) string
	problems []error
	asked    func(name, fallback string) // called for each variable that is read; may be nil
}

// NewEnvironment returns an Environment that reads variables by a function such as os.Getenv.
func NewEnvironment(getenv func(string) string) *Environment { return &Environment{getenv: getenv} }

// Text returns a variable, or the content of the file that NAME_FILE names.
func (e *Environment) Text(name string) string { return e.text(name, "") }

// text returns a variable, or the content of the file that NAME_FILE names, or the fallback.
func (e *Environment) text(name, fallback string) string {
	if e.asked != nil {
		e.asked(name, fallback)
	}
	value, file := e.getenv(name), e.getenv(name+"_FILE")
	switch {
	case value != "" && file != "":
		e.Problem(name, "is set twice: directly and by "+name+"_FILE")
	case file != "":
		content, err := os.ReadFile(file)
		if err != nil {
			e.Problem(name+"_FILE", "cannot be read: "+cause(err).Error())
		}
		value = strings.TrimSpace(string(content))
	}
	return cmp.Or(value, fallback)
}

func (e *Environment) list(name string) (values []string) {
	for value := range strings.SplitSeq(e.text(name, ""), ",") {
		if value = strings.TrimSpace(value); value != "" {
			values = append(values, value)
		}
	}
	return values
}

// networks returns addresses and networks, separated by commas.
func (e *Environment) networks(name, fallback string) (all []netip.Prefix) {
	for text := range strings.SplitSeq(e.text(name, fallback), ",") {
		text = strings.TrimSpace(text)
		network, err := netip.ParsePrefix(text)
		if address, bad := netip.ParseAddr(text); bad == nil {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			e.Problem(name, fmt.Sprintf("%q is neither an IP address nor a network, such as 10.0.0.7 or 10.0.0.0/8", text))
			continue
		}
		all = append(all, network.Masked())
	}
	return all
}

func (e *Environment) duration(name string, fallback, least, most time.Duration) time.Duration {
	text := e.text(name, short(fallback))
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		e.Problem(name, fmt.Sprintf("%q is not a duration from %s to %s, such as 1500ms, 20s or 2m", text, short(least),
			short(most)))
		return fallback
	}
	return d
}

// durations returns several durations, separated by commas.
func (e *Environment) durations(name string, fallback []time.Duration, least,
	most time.Duration) (all []time.Duration) {
	if e.asked != nil {
		var texts []string
		for _, d := range fallback {
			texts = append(texts, short(d))
		}
		e.asked(name, strings.Join(texts, ","))
	}
	for _, text := range e.list(name) {
		d, err := time.ParseDuration(text)
		if err != nil || d < least || d > most {
			e.Problem(name, fmt.Sprintf("%q is not a duration from %s to %s, such as 20s or 2m", text, short(least),
				short(most)))
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return fallback
	}
	return all
}

// page returns an address of our own, without a slash at its end. It is shown to people, so it must not contain a
// password.
func (e *Environment) page(name string) string {
	text := e.text(name, "")
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" {
		e.Problem(name, "is not an address such as https://sync.example.org, without user, query and fragment")
		return ""
	}
	return strings.TrimRight(text, "/")
}

// short formats a duration without zero units: 1h for 1h0m0s.
func short(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

func (e *Environment) number(name string, fallback, least, most int) int {
	text := e.text(name, strconv.Itoa(fallback))
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		e.Problem(name, fmt.Sprintf("%q is not a number from %d to %d", text, least, most))
		return fallback
	}
	return n
}

// percent returns a share such as 15%; the sign may be omitted.
func (e *Environment) percent(name string, fallback int) int {
	text := e.text(name, fmt.Sprintf("%d%%", fallback))
	n, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
	if err != nil || n < 0 || n > 99 {
		e.Problem(name, fmt.Sprintf("%q is not a share from 0%% to 99%%", text))
		return fallback
	}
	return n
}

// poll returns auto, off, or an interval.
func (e *Environment) poll(name string) (every time.Duration, off bool) {
	switch text := e.text(name, "auto"); text {
	case "auto":
		return 0, false
	case "off":
		return 0, true
	default:
		every, err := time.ParseDuration(text)
		if err != nil || every < 100*time.Millisecond || every > day {
			e.Problem(name, fmt.Sprintf("%q must be auto, off, or a duration from 100ms to 24h, such as 30s", text))
		}
		return every, false
	}
}

func (e *Environment) oneOf(name, fallback string, values ...string) string {
	text := e.text(name, fallback)
	for _, value := range values {
		if text == value {
			return text
		}
	}
	e.Problem(name, fmt.Sprintf("%q must be one of %s", text, strings.Join(values, ", ")))
	return fallback
}

func (e *Environment) address(name, fallback string) string {
	text := e.text(name, fallback)
	if _, _, err := net.SplitHostPort(text); err != nil {
		e.Problem(name, fmt.Sprintf("%q is not an address such as :8080 or 127.0.0.1:9090", text))
	}
	return text
}

func (e *Environment) url(name, fallback string) string {
	text := e.text(name, fallback)
	if text == "" {
		return text
	}
	if err := alert.CheckURL(text); err != nil {
		e.Problem(name, err.Error())
		return fallback
	}
	return text
}

// IngestURL is INGEST_URL: where Monday reaches ingest, without a path.
func (e *Environment) IngestURL() string {
	text := strings.TrimRight(e.url("INGEST_URL", ""), "/")
	if u, err := url.Parse(text); err != nil || u.Path != "" || u.RawQuery != "" || u.User != nil {
		e.Problem("INGEST_URL", "must be an address without a path, such as https://sync.example.org")
	}
	return text
}

// Database returns DATABASE_URL, which every command that needs Postgres requires.
func (e *Environment) Database() string {
	url := e.require("DATABASE_URL", e.text("DATABASE_URL", ""))
	if _, err := postgres.ParseURL(url); url != "" && err != nil {
		e.Problem("DATABASE_URL", err.Error())
	}
	return url
}

// DirectDatabase returns DATABASE_DIRECT_URL: the same database without a pooler in between.
func (e *Environment) DirectDatabase() string {
	url := e.text("DATABASE_DIRECT_URL", "")
	if url == "" {
		return ""
	}
	if _, err := postgres.ParseURL(url); err != nil {
		e.Problem("DATABASE_DIRECT_URL", err.Error())
	}
	return url
}

// Mapping returns the path of the mapping file.
func (e *Environment) Mapping() string {
	path := e.text("MAPPING", "mapping.yaml")
	if strings.Contains(path, "\n") {
		e.Problem("MAPPING_FILE", "names a file that contains the path of the mapping; to name the mapping itself, set "+
			"MAPPING")
		return "mapping.yaml"
	}
	return path
}

// MaxAttempts returns the number of attempts of an event before it becomes a dead letter.
func (e *Environment) MaxAttempts() int { return e.number("MAX_ATTEMPTS", 12, 1, 1000) }

func (e *Environment) require(name, value string) string {
	if value == "" && !e.hasProblem(name) {
		e.Problem(name, "is required")
	}
	return value
}

// Problem records a problem of a variable or an argument, once.
func (e *Environment) Problem(name, what string) {
	err := fmt.Errorf("%s: %s", name, what)
	for _, known := range e.problems {
		if known.Error() == err.Error() {
			return
		}
	}
	e.problems = append(e.problems, err)
}

// recordRejected records the settings that a client rejects, unless their problem is known. Its errors name the
// variable in words, such as "monday API token: ...".
func (e *Environment) recordRejected(err error) {
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		words, what, _ := strings.Cut(line, ": ")
		words, _, _ = strings.Cut(words, ",")
		if name := strings.ToUpper(strings.ReplaceAll(words, " ", "_")); !e.hasProblem(name) {
			e.Problem(name, what)
		}
	}
}

// hasProblem reports whether a problem of the variable has been recorded, alone or together with others.
func (e *Environment) hasProblem(name string) bool {
	for _, known := range e.problems {
		names, _, _ := strings.Cut(known.Error(), ":")
		for each := range strings.SplitSeq(names, ", ") {
			if strings.TrimSuffix(each, "_FILE") == name {
				return true
			}
		}
	}
	return false
}

// Err returns a UsageError with all problems, or nil.
func (e *Environment) Err() error {
	if len(e.problems) == 0 {
		return nil
	}
	return UsageError{errors.Join(e.problems...)}
}

// cause returns an error of the file system without the path.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
