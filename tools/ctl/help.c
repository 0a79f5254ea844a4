/* Texts about the verbs: help, completion for shells, the manual page. All come from the table. */
#include <stdio.h>
#include <string.h>

#include "tools/ctl/verbs.h"

static void explain(const struct verb *v)
{
    printf("usage: millracectl [OPTION]... %s %s\n\n%s", v->name, v->words, v->does);
    if (v->run == verb_list)
        printf("; columns: %s", v->body);
    (void)fputc('\n', stdout);
}

int verb_help(struct ctl *c, const struct verb *v)
{
    const struct refused *absent = NULL;
    const struct verb *about = NULL;

    (void)v;
    if (c->options->word_count == 0) {
        (void)fputs(options_help, stdout);
        (void)fputs("\nVerbs:\n", stdout);
        for (size_t i = 0; i < verb_count; i++)
            printf("  %-28s %s\n", verbs[i].name, verbs[i].does);
        return 0;
    }
    absent = refused_find(c->options->words[0]);
    if (absent != NULL) {
        printf("'%s' is not here: %s\n", absent->name, absent->instead);
        return 0;
    }
    about = verb_find(c->options->words[0]);
    if (about == NULL)
        return err_note(&c->note, ERR_INVALID, "there is no verb '%s'; see millracectl help",
                        c->options->words[0]);
    explain(about);
    return 0;
}

/* ---- completion ---- */

static void print_names(char between)
{
    for (size_t i = 0; i < verb_count; i++)
        printf("%s%c", verbs[i].name, i + 1 < verb_count ? between : '\n');
}

static void print_bash(void)
{
    (void)fputs("_millracectl() {\n"
                "    local verbs options\n"
                "    verbs='",
                stdout);
    print_names(' ');
    (void)fputs("    '\n    options='", stdout);
    options_print_names();
    (void)fputs("    '\n"
                "    if [[ ${COMP_WORDS[COMP_CWORD]} == -* ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$options\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
                "    else\n"
                "        COMPREPLY=($(compgen -W \"$verbs\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
                "    fi\n"
                "}\n"
                "complete -o default -F _millracectl millracectl\n",
                stdout);
}

static void print_zsh(void)
{
    (void)fputs("#compdef millracectl\n_millracectl() {\n    local -a verbs\n    verbs=(\n",
                stdout);
    for (size_t i = 0; i < verb_count; i++)
        printf("        '%s:%s'\n", verbs[i].name, verbs[i].does);
    (void)fputs("    )\n    _describe verb verbs\n}\ncompdef _millracectl millracectl\n", stdout);
}

static void print_fish(void)
{
    for (size_t i = 0; i < verb_count; i++)
        printf("complete -c millracectl -n __fish_use_subcommand -f -a %s -d '%s'\n", verbs[i].name,
               verbs[i].does);
}

int verb_completion(struct ctl *c, const struct verb *v)
{
    const char *shell = c->options->words[0];

    (void)v;
    if (strcmp(shell, "bash") == 0)
        print_bash();
    else if (strcmp(shell, "zsh") == 0)
        print_zsh();
    else if (strcmp(shell, "fish") == 0)
        print_fish();
    else
        return err_note(&c->note, ERR_INVALID, "no completion for '%s'; there is bash, zsh, fish",
                        shell);
    return 0;
}

/* ---- the manual page ---- */

/* Text in which no line or word is a command of roff. */
static void print_roff(const char *text)
{
    bool is_start = true;

    for (; *text != '\0'; text++) {
        if (is_start && (*text == '.' || *text == '\''))
            (void)fputs("\\&", stdout);
        if (*text == '-' || *text == '\\')
            (void)fputc('\\', stdout);
        (void)fputc(*text, stdout);
        is_start = *text == '\n';
    }
}

int verb_manual(struct ctl *c, const struct verb *v)
{
    (void)c;
    (void)v;
    (void)fputs(".TH MILLRACECTL 1 \"\" \"Millrace " MILLRACE_VERSION "\" \"User commands\"\n"
                ".SH NAME\nmillracectl \\- asks and changes a running Millrace broker\n"
                ".SH SYNOPSIS\n.nf\n",
                stdout);
    print_roff(options_help);
    (void)fputs(".fi\n.SH VERBS\n", stdout);
    for (size_t i = 0; i < verb_count; i++) {
        (void)fputs(".TP\n.B ", stdout);
        print_roff(verbs[i].name);
        (void)fputc(' ', stdout);
        print_roff(verbs[i].words);
        (void)fputc('\n', stdout);
        print_roff(verbs[i].does);
        (void)fputc('\n', stdout);
    }
    (void)fputs(".SH SEE ALSO\n.BR millrace (8)\n", stdout);
    return 0;
}
