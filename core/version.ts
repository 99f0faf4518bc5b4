/** The product's version, as package.json has it (a test holds them together): core reads no files. */
export const version = '0.2.0'
