package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// asker asks questions on a terminal, or reads the answers from a file or pipe.
type asker struct {
	in       *bufio.Reader
	out      io.Writer
	terminal *os.File // nil: there is no person, and a wrong answer ends init
}

// question is one question of init.
type question struct {
	name     string // in errors
	text     string // follows the name
	flag     string // the flag that gives the answer
	given    string // the answer that the flag gives
	known    string // the answer that an empty line stands for
	shown    string // known, as it may be shown; empty: known itself
	secret   bool
	optional bool
}

// errNoAnswer means that the input ended before the question.
var errNoAnswer = errors.New("there is no answer")

// until asks until check accepts the answer. Without a terminal it asks once.
func (a *asker) until(q question, check func(answer string) error) error {
	for {
		answer, err := a.answer(q)
		if err != nil {
			return fmt.Errorf("%s: %w; give %s, or a line on the standard input", q.name, err, q.flag)
		}
		err = check(answer)
		switch {
		case err == nil:
			return nil
		case a.terminal == nil || q.given != "":
			if strings.HasPrefix(err.Error(), q.name+": ") {
				return err
			}
			return fmt.Errorf("%s: %w", q.name, err)
		}
		fmt.Fprintln(a.out, "✗", err)
	}
}

// answer returns the answer to a question: the given one, a typed one, or the known one.
func (a *asker) answer(q question) (string, error) {
	if q.given != "" {
		return q.given, nil
	}
	for {
		answer, err := a.ask(q)
		switch {
		case answer != "":
			return answer, nil
		case q.known != "":
			return q.known, nil
		case q.optional:
			return "", nil
		case err != nil || a.terminal == nil:
			return "", errNoAnswer
		}
	}
}

// ask prints a question and reads a line. A secret does not appear on the terminal.
func (a *asker) ask(q question) (string, error) {
	hint := ""
	switch {
	case q.shown != "":
		hint = " [" + q.shown + "]"
	case q.known != "" && q.secret:
		hint = " [unchanged]"
	case q.known != "":
		hint = " [" + q.known + "]"
	case q.optional:
		hint = " [none]"
	}
	fmt.Fprintf(a.out, "%s%s%s: ", q.name, q.text, hint)
	if q.secret && a.terminal != nil {
		text, err := term.ReadPassword(int(a.terminal.Fd()))
		fmt.Fprintln(a.out)
		return strings.TrimSpace(string(text)), err
	}
	line, err := a.in.ReadString('\n')
	if a.terminal == nil {
		fmt.Fprintln(a.out)
	}
	return strings.TrimSpace(line), err
}

// confirm asks a yes-or-no question; an empty line means no.
func (a *asker) confirm(text string) bool {
	answer, _ := a.ask(question{text: text + " (y/n)", known: "n"}) // no answer means no
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}
