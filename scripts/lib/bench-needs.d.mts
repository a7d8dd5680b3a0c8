export function installForBench(needs: { readonly flavor: 'mysql' | 'mariadb', readonly objectStore: boolean }): Promise<void>
