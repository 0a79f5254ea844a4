/* Whole text files, for tests that are written as text. */
#ifndef TESTS_LIB_TEXT_FILE_H
#define TESTS_LIB_TEXT_FILE_H

/* The file's text, with a zero byte at its end; goes back through mem_free(). NULL when it cannot
 * be read. */
char *text_file_read(const char *path);

/* Puts the text into the file; stops the test when it cannot. */
void text_file_write(const char *path, const char *text);

#endif
